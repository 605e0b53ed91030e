import { estimateCardinality } from './cardinality-estimate.ts';
import type { Hash64 } from './hash64.ts';
import { PackedReader, PackedWriter } from './packed-bytes.ts';
import { packRegisters, unpackRegisters } from './register-packing.ts';
import { SparseRegisters, rankOfCode, sparseCode } from './sparse-registers.ts';

/** One for all sketches that are still sparse. */
const NO_REGISTERS = new Uint8Array(0);

const SPARSE = 0;
const DENSE = 1;

/**
 * HyperLogLog (Flajolet et al., 2007) with 64-bit hashes. Up to 3/16·2^precision different hashes it holds codes of 32
 * bits and counts almost exactly; beyond, 2^precision registers of a byte. Which of the two holds depends only on the
 * set of the hashes added, never on their order or on how they came together.
 */
export class HyperLogLog {
  readonly #precision: number;
  readonly #maxSparse: number;
  #sparse: SparseRegisters | undefined = new SparseRegisters();
  #registers = NO_REGISTERS;

  /** @param precision from 4 to 18; the standard error is 1.04/√(2^precision) */
  constructor(precision: number) {
    this.#precision = precision;
    this.#maxSparse = 3 * 2 ** (precision - 4);
  }

  add(hash: Hash64): void {
    const high = hash[0] ?? 0;
    const low = hash[1] ?? 0;
    if (this.#sparse !== undefined) {
      this.#addCode(sparseCode(high, low));
      return;
    }
    const precision = this.#precision;
    const rest = high << precision;
    const rank = rest === 0 ? 33 - precision + Math.clz32(low) : Math.clz32(rest) + 1;
    this.#raise(high >>> (32 - precision), rank);
  }

  /** Takes in another sketch of the same precision. */
  merge(other: HyperLogLog): void {
    if (other.#sparse !== undefined) {
      for (const code of other.#sparse.codes()) this.#addCode(code);
      return;
    }
    if (this.#sparse !== undefined) this.#densify(this.#sparse);
    other.#registers.forEach((rank, index) => this.#raise(index, rank));
  }

  estimate(): number {
    return this.#sparse?.estimate() ?? estimateCardinality(this.#registers, this.#precision);
  }

  /** Base64; the same for the same set of hashes. */
  pack(): string {
    const writer = new PackedWriter();
    writer.byte(this.#sparse === undefined ? DENSE : SPARSE);
    if (this.#sparse === undefined) packRegisters(this.#registers, writer);
    else packCodes(this.#sparse.codes(), writer);
    return writer.base64();
  }

  static unpack(precision: number, base64: string): HyperLogLog {
    const sketch = new HyperLogLog(precision);
    const reader = new PackedReader(base64);
    if (reader.byte() === DENSE) {
      sketch.#sparse = undefined;
      sketch.#registers = unpackRegisters(2 ** precision, reader);
    } else {
      let code = 0;
      for (let left = reader.varint(); left > 0; left--) sketch.#addCode((code += reader.varint()));
    }
    return sketch;
  }

  #addCode(code: number): void {
    if (this.#sparse === undefined) {
      this.#raise(code >>> (32 - this.#precision), rankOfCode(code, this.#precision));
      return;
    }
    this.#sparse.add(code);
    if (this.#sparse.size > this.#maxSparse) this.#densify(this.#sparse);
  }

  #densify(sparse: SparseRegisters): void {
    this.#sparse = undefined;
    this.#registers = new Uint8Array(2 ** this.#precision);
    for (const code of sparse.codes()) this.#addCode(code);
  }

  #raise(index: number, rank: number): void {
    if (rank > (this.#registers[index] ?? 0)) this.#registers[index] = rank;
  }
}

/** Their number, then the distance of each from the one before. */
function packCodes(codes: Uint32Array, writer: PackedWriter): void {
  writer.varint(codes.length);
  let before = 0;
  for (const code of codes) {
    writer.varint(code - before);
    before = code;
  }
}
