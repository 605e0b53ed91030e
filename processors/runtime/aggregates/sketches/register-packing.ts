import type { PackedReader, PackedWriter } from './packed-bytes.ts';

/** Writes registers of 6 bits, four in three bytes; their number must be a multiple of four. */
export function packRegisters(registers: Uint8Array, writer: PackedWriter): void {
  for (let at = 0; at < registers.length; at += 4) {
    const bits =
      ((registers[at] ?? 0) << 18) |
      ((registers[at + 1] ?? 0) << 12) |
      ((registers[at + 2] ?? 0) << 6) |
      (registers[at + 3] ?? 0);
    writer.byte(bits >>> 16);
    writer.byte((bits >>> 8) & 0xff);
    writer.byte(bits & 0xff);
  }
}

/** Reads that many registers. */
export function unpackRegisters(count: number, reader: PackedReader): Uint8Array<ArrayBuffer> {
  const registers = new Uint8Array(count);
  for (let at = 0; at < count; at += 4) {
    const bits = (reader.byte() << 16) | (reader.byte() << 8) | reader.byte();
    registers[at] = bits >>> 18;
    registers[at + 1] = (bits >>> 12) & 0x3f;
    registers[at + 2] = (bits >>> 6) & 0x3f;
    registers[at + 3] = bits & 0x3f;
  }
  return registers;
}
