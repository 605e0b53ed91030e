const WORDS = 4;
const INITIAL_SLOTS = 1024;

/** A UUID as four 32-bit words, big-endian. */
export type UuidWords = Uint32Array;

/**
 * A set of UUIDs as 128-bit numbers: open addressing with linear probing over one Uint32Array, 32 to 64 bytes an id
 * against some 130 for strings in a Set. The nil UUID marks a free slot and cannot be a member.
 */
export class EventIdSet {
  #words = new Uint32Array(INITIAL_SLOTS * WORDS);
  #mask = INITIAL_SLOTS - 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(id: UuidWords): boolean {
    return this.#find(id) < 0;
  }

  /** True when the id was not yet a member. */
  add(id: UuidWords): boolean {
    const slot = this.#find(id);
    if (slot < 0) return false;
    this.#words.set(id, slot);
    this.#size += 1;
    if (this.#size * 2 > this.#mask) this.#grow();
    return true;
  }

  /** Adds every id of packed bytes, 16 each, big-endian. */
  addPacked(packed: Uint8Array): void {
    const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
    const id = new Uint32Array(WORDS);
    for (let at = 0; at + 16 <= packed.byteLength; at += 16) {
      for (let word = 0; word < WORDS; word++) id[word] = view.getUint32(at + word * 4);
      this.add(id);
    }
  }

  /** Index of the free slot where the id belongs, or -1 where it is a member. */
  #find(id: Uint32Array): number {
    const words = this.#words;
    const a = id[0] ?? 0;
    const b = id[1] ?? 0;
    const c = id[2] ?? 0;
    const d = id[3] ?? 0;
    // The low words of a UUIDv7 are random; the multiplication spreads ids made otherwise.
    let slot = Math.imul(d ^ Math.imul(c, 0x9e3779b1) ^ Math.imul(a ^ b, 0x85ebca6b), 0xc2b2ae35);
    for (slot = (slot ^ (slot >>> 16)) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * WORDS;
      const w0 = words[at] ?? 0;
      const w3 = words[at + 3] ?? 0;
      if (w0 === a && w3 === d && words[at + 1] === b && words[at + 2] === c) return -1;
      if ((w0 | w3 | (words[at + 1] ?? 0) | (words[at + 2] ?? 0)) === 0) return at;
    }
  }

  #grow(): void {
    const old = this.#words;
    this.#words = new Uint32Array(old.length * 2);
    this.#mask = this.#words.length / WORDS - 1;
    const id = new Uint32Array(WORDS);
    for (let at = 0; at < old.length; at += WORDS) {
      for (let word = 0; word < WORDS; word++) id[word] = old[at + word] ?? 0;
      if (!isNil(id)) this.#words.set(id, this.#find(id));
    }
  }
}

/** The 16 bytes of each id, big-endian, from their words one after the other. */
export function packedIds(words: readonly number[]): Buffer {
  const packed = Buffer.allocUnsafe(words.length * 4);
  words.forEach((word, index) => packed.writeUInt32BE(word, index * 4));
  return packed;
}

/**
 * Reads a UUID's text (RFC 9562, section 4) into four words.
 * @returns false where the text is no UUID, or the nil UUID; `into` is then of no use
 */
export function parseUuid(uuid: string, into: UuidWords): boolean {
  if (uuid.length !== 36 || !hasDashes(uuid)) return false;
  // The groups of digits have fixed places; an unrolled look-up is several times as fast as a loop over characters.
  const a = fourDigits(uuid, 0);
  const b = fourDigits(uuid, 4);
  const c = fourDigits(uuid, 9);
  const d = fourDigits(uuid, 14);
  const e = fourDigits(uuid, 19);
  const f = fourDigits(uuid, 24);
  const g = fourDigits(uuid, 28);
  const h = fourDigits(uuid, 32);
  if ((a | b | c | d | e | f | g | h) < 0) return false;
  into[0] = (a << 16) | b;
  into[1] = (c << 16) | d;
  into[2] = (e << 16) | f;
  into[3] = (g << 16) | h;
  return !isNil(into);
}

const DASH = 45;

function hasDashes(uuid: string): boolean {
  return (
    uuid.charCodeAt(8) === DASH &&
    uuid.charCodeAt(13) === DASH &&
    uuid.charCodeAt(18) === DASH &&
    uuid.charCodeAt(23) === DASH
  );
}

/** Value of a hexadecimal digit by character code below 128, -1 for the others. */
const DIGITS = Int8Array.from({ length: 128 }, (_, code) =>
  '0123456789abcdef'.indexOf(String.fromCharCode(code).toLowerCase()),
);

/** Four hexadecimal digits as a number; negative where one of them is none. */
function fourDigits(text: string, at: number): number {
  return (
    (digit(text.charCodeAt(at)) << 12) |
    (digit(text.charCodeAt(at + 1)) << 8) |
    (digit(text.charCodeAt(at + 2)) << 4) |
    digit(text.charCodeAt(at + 3))
  );
}

function digit(code: number): number {
  return DIGITS[code] ?? -1;
}

function isNil(id: UuidWords): boolean {
  return ((id[0] ?? 0) | (id[1] ?? 0) | (id[2] ?? 0) | (id[3] ?? 0)) === 0;
}
