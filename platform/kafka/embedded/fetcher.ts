import { MillraceError } from '../../errors.ts';
import type { RecordBatch, TopicPartition, TopicPartitionOffset } from '../port.ts';
import type { LogState } from './log-state.ts';
import type { PartitionLog } from './partition-log.ts';
import type { ReadResult } from './read-limits.ts';

/** One assigned partition. */
interface Position {
  readonly log: PartitionLog;
  /** Undefined until the owner has sought. */
  offset: number | undefined;
  isPaused: boolean;
  /** Whether the reader was told that it is caught up. */
  isIdle: boolean;
}

/** Bounds the memory of one poll: a cold read brings up to a megabyte and a block. */
const MAX_COLD_READS = 16;

/** Reads the assigned partitions of one member; a wait ends with the append itself, without a timer in between. */
export class Fetcher {
  readonly #state: LogState;
  readonly #maxRecords: number;
  #positions = new Map<string, Position>();
  #isDelivering = false;
  #isClosed = false;
  #isPolling = false;
  /** Something changed since the last look. */
  #isDirty = false;
  #wake: (() => void) | undefined;
  #rotation = 0;
  #failure: Error | undefined;

  constructor(state: LogState, maxRecords: number) {
    this.#state = state;
    this.#maxRecords = maxRecords;
  }

  assign(partitions: readonly TopicPartition[]): void {
    this.revoke();
    for (const { topic, partition } of partitions) {
      const log = this.#state.partition(topic, partition);
      log.subscribers.add(this.interrupt);
      this.#positions.set(keyOf({ topic, partition }), {
        log,
        offset: undefined,
        isPaused: false,
        isIdle: false,
      });
    }
  }

  revoke(): void {
    this.#isDelivering = false;
    for (const { log } of this.#positions.values()) log.subscribers.delete(this.interrupt);
    this.#positions = new Map();
  }

  /** The owner's hooks are done: records may flow. */
  deliver(): void {
    this.#isDelivering = true;
    this.interrupt();
  }

  /** Of a partition that is not assigned any more: ignored, the owner hears of that by its hook. */
  seek(position: TopicPartitionOffset): void {
    const found = this.#positions.get(keyOf(position));
    if (found === undefined) return;
    found.offset = position.offset;
    found.isIdle = false;
    this.interrupt();
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#setPaused(partition, true);
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#setPaused(partition, false);
    this.interrupt();
  }

  /** Makes a waiting poll look again. */
  readonly interrupt = (): void => {
    this.#isDirty = true;
    this.#wake?.();
  };

  close(): void {
    this.#isClosed = true;
    this.revoke();
    this.interrupt();
  }

  async poll(maxWaitMs: number): Promise<readonly RecordBatch[]> {
    if (this.#isPolling) throw new MillraceError('MR_INTERNAL', 'polls of one consumer overlap');
    this.#isPolling = true;
    try {
      this.#throwFailure();
      const deadlineMs = performance.now() + maxWaitMs;
      for (;;) {
        this.#isDirty = false;
        const batches = await this.#collect();
        const leftMs = deadlineMs - performance.now();
        if (batches.length > 0 || leftMs <= 0 || this.#isClosed) return batches;
        await this.#wait(leftMs);
      }
    } finally {
      this.#isPolling = false;
    }
  }

  async #wait(ms: number): Promise<void> {
    if (this.#isDirty) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }

  async #collect(): Promise<RecordBatch[]> {
    const batches: RecordBatch[] = [];
    if (!this.#isDelivering) return batches;
    const cold: Promise<void>[] = [];
    for (const position of this.#inTurn()) {
      const { log, offset } = position;
      if (offset === undefined || position.isPaused || (position.isIdle && offset === log.end)) continue;
      if (log.isDeleted || cold.length >= MAX_COLD_READS) continue;
      const pending = this.#fetch(position, offset, batches);
      if (pending !== undefined) cold.push(pending);
    }
    if (cold.length > 0) await Promise.all(cold);
    // Positions have moved past what was read, so that comes first and the failure with the next poll.
    if (batches.length === 0) this.#throwFailure();
    return batches;
  }

  /** Reads from memory at once; answers a promise where the disk is read. */
  #fetch(position: Position, from: number, batches: RecordBatch[]): Promise<void> | undefined {
    try {
      const result = position.log.read(from, { maxRecords: this.#maxRecords, endOffset: Infinity });
      if (!(result instanceof Promise)) {
        this.#accept(position, { from, read: result, batches });
        return undefined;
      }
      return result.then(
        (read) => this.#accept(position, { from, read, batches }),
        (error: unknown) => this.#fail(error),
      );
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #fail(error: unknown): void {
    this.#failure = error instanceof Error ? error : new Error(String(error));
  }

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
  }

  /** Starts with another partition each time, so that none waits behind a busy one for ever. */
  #inTurn(): Position[] {
    const positions = [...this.#positions.values()];
    const from = positions.length === 0 ? 0 : this.#rotation++ % positions.length;
    return [...positions.slice(from), ...positions.slice(0, from)];
  }

  #accept(
    position: Position,
    fetched: { readonly from: number; readonly read: ReadResult; readonly batches: RecordBatch[] },
  ): void {
    const { log } = position;
    const { records, nextOffset } = fetched.read;
    const isCurrent = this.#positions.get(keyOf(log)) === position && position.offset === fetched.from;
    // Revoked, sought or paused while the disk was read: what came does not count.
    if (!isCurrent || position.isPaused || !this.#isDelivering) return;
    position.offset = nextOffset;
    position.isIdle = records.length === 0 && nextOffset >= log.end;
    if (records.length === 0 && !position.isIdle) {
      this.#isDirty = true;
      return;
    }
    const { topic, partition } = log;
    fetched.batches.push({ topic, partition, records, nextOffset, endOffset: log.end });
  }

  #setPaused(partition: TopicPartition, isPaused: boolean): void {
    const position = this.#positions.get(keyOf(partition));
    if (position === undefined) return;
    position.isPaused = isPaused;
  }
}

function keyOf(partition: TopicPartition): string {
  return `${partition.topic}/${partition.partition}`;
}
