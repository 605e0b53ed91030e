const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const hex = (byte: number | undefined): string => HEX[(byte ?? 0) & 0xff] ?? '00';

/**
 * A UUIDv7 (RFC 9562, section 5.7): 48 bits of epoch ms, then 74 of the 80 bits in `random`, of which the first ten
 * bytes are used. The same arguments give the same id.
 */
export function uuidV7(timeMs: number, random: Uint8Array): string {
  const time = Math.trunc(timeMs).toString(16).padStart(12, '0');
  const version = ((random[0] ?? 0) & 0x0f) | 0x70;
  const variant = ((random[2] ?? 0) & 0x3f) | 0x80;
  return (
    `${time.slice(0, 8)}-${time.slice(8)}-${hex(version)}${hex(random[1])}-${hex(variant)}${hex(random[3])}-` +
    hex(random[4]) +
    hex(random[5]) +
    hex(random[6]) +
    hex(random[7]) +
    hex(random[8]) +
    hex(random[9])
  );
}

/** A UUIDv7 of a moment. @param random uniform in [0, 1) */
export function randomUuidV7(timeMs: number, random: () => number): string {
  return uuidV7(
    timeMs,
    Uint8Array.from({ length: 10 }, () => Math.floor(random() * 256)),
  );
}
