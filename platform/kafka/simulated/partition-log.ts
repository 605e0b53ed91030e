/**
 * One partition of the simulated cluster, with what Apache Kafka holds a producer to (KIP-98): sequences and epochs,
 * open and aborted transactions, the last stable offset. Every append is replicated at once, so that a move of the
 * leader loses nothing: what acks=all with enough replicas in sync promises.
 */
import { crc32c } from '../kafkajs/protocol/crc32c.ts';
import type { AbortedTransaction } from '../kafkajs/protocol/record-batch-reader.ts';
import { encodeRecordBatch } from '../kafkajs/protocol/record-batch-writer.ts';
import {
  CORRUPT_MESSAGE,
  INVALID_PRODUCER_EPOCH,
  NONE,
  OUT_OF_ORDER_SEQUENCE,
} from '../kafkajs/protocol/error-codes.ts';
import { readBatchHead, type BatchHead } from './batch-head.ts';

/** Batches of a producer that a partition remembers, so that a repetition is recognised. */
const REMEMBERED_BATCHES = 5;
const CONTROL = 0x20;
const MAX_SEQUENCE = 2 ** 31;

interface StoredBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly bytes: Buffer;
}

interface Remembered {
  readonly firstSequence: number;
  readonly count: number;
  readonly baseOffset: number;
}

interface ProducerState {
  epoch: number;
  /** Youngest last. */
  batches: Remembered[];
  /** First offset of its open transaction. */
  openFrom: number | undefined;
}

interface Aborted extends AbortedTransaction {
  readonly lastOffset: number;
}

export interface AppendResult {
  readonly errorCode: number;
  /** -1 where nothing was appended, now or before. */
  readonly baseOffset: number;
}

export class PartitionLog {
  /** Nothing is ever deleted. */
  readonly startOffset = 0;
  /** Whoever waits for records. */
  readonly waiters = new Set<() => void>();
  readonly #batches: StoredBatch[] = [];
  readonly #producers = new Map<number, ProducerState>();
  readonly #aborted: Aborted[] = [];
  #nextOffset = 0;

  get endOffset(): number {
    return this.#nextOffset;
  }

  /** Readers of committed records see nothing from here on. */
  get lastStableOffset(): number {
    let stable = this.#nextOffset;
    for (const { openFrom } of this.#producers.values())
      if (openFrom !== undefined && openFrom < stable) stable = openFrom;
    return stable;
  }

  /** Appends a batch, unless it is there already or its producer may not write it. */
  append(bytes: Buffer): AppendResult {
    const head = readBatchHead(bytes);
    if (head === undefined || crc32c(bytes, 21) !== bytes.readUInt32BE(17))
      return { errorCode: CORRUPT_MESSAGE, baseOffset: -1 };
    if (head.producerId < 0) {
      const baseOffset = this.#store(bytes, head.count);
      this.#wake();
      return { errorCode: NONE, baseOffset };
    }
    const known = this.#producers.get(head.producerId);
    const refusal = known === undefined ? undefined : judge(known, head);
    if (refusal !== undefined) return refusal;
    const baseOffset = this.#store(bytes, head.count);
    const state = known ?? { epoch: head.producerEpoch, batches: [], openFrom: undefined };
    this.#producers.set(head.producerId, state);
    if (state.epoch !== head.producerEpoch) state.batches = [];
    state.epoch = head.producerEpoch;
    state.batches.push({ firstSequence: head.baseSequence, count: head.count, baseOffset });
    if (state.batches.length > REMEMBERED_BATCHES) state.batches.shift();
    if (head.isTransactional) state.openFrom ??= baseOffset;
    this.#wake();
    return { errorCode: NONE, baseOffset };
  }

  /** What a batch that may not be written any more would be answered; undefined where nothing is known of it. */
  recall(bytes: Buffer): AppendResult | undefined {
    const head = readBatchHead(bytes);
    const known = head === undefined ? undefined : this.#producers.get(head.producerId);
    if (head === undefined || known === undefined || head.producerEpoch > known.epoch) return undefined;
    const result = judge(known, head);
    return result?.errorCode === OUT_OF_ORDER_SEQUENCE ? undefined : result;
  }

  /** Ends the transaction of a producer here; the epoch fences older ones of its id from now on. */
  mark(
    producerId: number,
    epoch: number,
    outcome: { readonly commit: boolean; readonly atMs: number },
  ): void {
    const state = this.#producers.get(producerId) ?? { epoch, batches: [], openFrom: undefined };
    if (epoch > state.epoch) state.batches = [];
    state.epoch = Math.max(state.epoch, epoch);
    const lastOffset = this.#store(controlBatch(producerId, epoch, outcome), 1);
    if (!outcome.commit && state.openFrom !== undefined)
      this.#aborted.push({ producerId, firstOffset: state.openFrom, lastOffset });
    state.openFrom = undefined;
    this.#producers.set(producerId, state);
    this.#wake();
  }

  /** Committed batches from an offset on: at least one, then up to so many bytes. */
  read(fromOffset: number, maxBytes: number): { bytes: Buffer; aborted: readonly AbortedTransaction[] } {
    const stable = this.lastStableOffset;
    const found: Buffer[] = [];
    let bytes = 0;
    let upTo = fromOffset;
    for (let at = this.#indexOf(fromOffset); at < this.#batches.length; at++) {
      const batch = this.#batches[at];
      if (batch === undefined || batch.lastOffset >= stable) break;
      if (found.length > 0 && bytes + batch.bytes.length > maxBytes) break;
      found.push(batch.bytes);
      bytes += batch.bytes.length;
      upTo = batch.lastOffset;
    }
    const aborted = this.#aborted.filter(
      ({ firstOffset, lastOffset }) => lastOffset >= fromOffset && firstOffset <= upTo,
    );
    return { bytes: Buffer.concat(found), aborted };
  }

  #indexOf(offset: number): number {
    let low = 0;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#batches[middle]?.lastOffset ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #store(bytes: Buffer, count: number): number {
    const baseOffset = this.#nextOffset;
    const stored = Buffer.from(bytes);
    stored.writeBigInt64BE(BigInt(baseOffset), 0);
    this.#nextOffset = baseOffset + count;
    this.#batches.push({ baseOffset, lastOffset: this.#nextOffset - 1, bytes: stored });
    return baseOffset;
  }

  /** Only once all is as it will be: who waits looks at once. */
  #wake(): void {
    for (const waiter of [...this.waiters]) waiter();
  }
}

/** Undefined where the batch is the next one of its producer. */
function judge(known: ProducerState, head: BatchHead): AppendResult | undefined {
  if (head.producerEpoch < known.epoch) return { errorCode: INVALID_PRODUCER_EPOCH, baseOffset: -1 };
  if (head.producerEpoch > known.epoch || known.batches.length === 0)
    return head.baseSequence === 0 ? undefined : { errorCode: OUT_OF_ORDER_SEQUENCE, baseOffset: -1 };
  const again = known.batches.find(
    ({ firstSequence, count }) => firstSequence === head.baseSequence && count === head.count,
  );
  if (again !== undefined) return { errorCode: NONE, baseOffset: again.baseOffset };
  const last = known.batches.at(-1);
  const next = last === undefined ? 0 : (last.firstSequence + last.count) % MAX_SEQUENCE;
  return head.baseSequence === next ? undefined : { errorCode: OUT_OF_ORDER_SEQUENCE, baseOffset: -1 };
}

/** A control record's key is INT16 version, INT16 type; type 0 aborts, 1 commits. Its value names the coordinator. */
function controlBatch(
  producerId: number,
  producerEpoch: number,
  { commit, atMs }: { readonly commit: boolean; readonly atMs: number },
): Buffer {
  const key = Buffer.from([0, 0, 0, commit ? 1 : 0]);
  const value = Buffer.alloc(6);
  const bytes = encodeRecordBatch({
    records: [{ key, value, timestampMs: atMs }],
    ...{ producerId, producerEpoch, baseSequence: -1, transactional: true },
  });
  bytes.writeInt16BE(bytes.readInt16BE(21) | CONTROL, 21);
  bytes.writeUInt32BE(crc32c(bytes, 21), 17);
  return bytes;
}
