/** Where one block lies in its segment. */
export interface BatchEntry {
  readonly base: number;
  readonly last: number;
  readonly maxTimestampMs: number;
  readonly records: number;
  /** Byte position of the payload in the segment. */
  readonly position: number;
  readonly length: number;
  readonly crc: number;
}

const FIELDS = 7;

/** Bytes of an entry on disk and in memory. */
export const ENTRY_BYTES = FIELDS * 8;

/** The blocks of one partition in one segment, in offset order: a flat table, found by binary search. */
export class BatchTable {
  #cells: Float64Array;
  #count: number;

  constructor(cells: Float64Array = new Float64Array(FIELDS * 4)) {
    this.#cells = cells;
    this.#count = 0;
  }

  /** A table over the bytes that `bytes()` gave. */
  static from(bytes: Uint8Array): BatchTable {
    const cells = new Float64Array(bytes.length / 8);
    new Uint8Array(cells.buffer).set(bytes);
    const table = new BatchTable(cells);
    table.#count = bytes.length / ENTRY_BYTES;
    return table;
  }

  get count(): number {
    return this.#count;
  }

  add(entry: BatchEntry): void {
    const at = this.#count * FIELDS;
    if (at + FIELDS > this.#cells.length) {
      const larger = new Float64Array(this.#cells.length * 2);
      larger.set(this.#cells);
      this.#cells = larger;
    }
    const cells = this.#cells;
    cells[at] = entry.base;
    cells[at + 1] = entry.last;
    cells[at + 2] = entry.maxTimestampMs;
    cells[at + 3] = entry.records;
    cells[at + 4] = entry.position;
    cells[at + 5] = entry.length;
    cells[at + 6] = entry.crc;
    this.#count++;
  }

  at(index: number): BatchEntry {
    const at = index * FIELDS;
    return {
      base: this.#cell(at),
      last: this.#cell(at + 1),
      maxTimestampMs: this.#cell(at + 2),
      records: this.#cell(at + 3),
      position: this.#cell(at + 4),
      length: this.#cell(at + 5),
      crc: this.#cell(at + 6),
    };
  }

  /** Index of the first entry whose last offset is at least `offset`; `count` where there is none. O(log n). */
  find(offset: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#cell(middle * FIELDS + 1) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The entries as they are kept on disk (host byte order, which is little-endian wherever Node runs). */
  bytes(): Buffer {
    return Buffer.from(this.#cells.buffer, this.#cells.byteOffset, this.#count * ENTRY_BYTES);
  }

  #cell(at: number): number {
    return this.#cells[at] ?? 0;
  }
}
