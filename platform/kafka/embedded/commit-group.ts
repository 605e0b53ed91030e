import type { ProduceRecord } from '../port.ts';
import { BlockBuilder, type Block } from './block-builder.ts';
import type { MetaOperation } from './meta-operation.ts';
import type { PartitionLog } from './partition-log.ts';

/** A block with the partition that it will be appended to. */
export interface PendingBlock {
  readonly partition: PartitionLog;
  readonly block: Block;
}

/** Whether callers wait for the group, or the log itself cleans up. */
export type GroupOrigin = 'caller' | 'own';

/** Records and operations that one frame will carry: whoever adds to the group waits for the same write. */
export class CommitGroup {
  readonly origin: GroupOrigin;
  readonly operations: MetaOperation[] = [];
  /** Settles when the frame is durable and visible, or failed. */
  readonly done: Promise<void>;
  readonly #open = new Map<PartitionLog, BlockBuilder>();
  readonly #blocks: PendingBlock[] = [];
  #bytes = 0;
  #settle: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;

  constructor(origin: GroupOrigin) {
    this.origin = origin;
    this.done = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Each caller awaits `done`; a group that nobody awaits any more must not end the process.
    this.done.catch(() => undefined);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Appends a record; answers the offset that it will have. */
  add(partition: PartitionLog, record: ProduceRecord, timestampMs: number): number {
    const offset = partition.reserved++;
    let builder = this.#open.get(partition);
    if (builder?.isFull === true) {
      this.#blocks.push({ partition, block: builder.build(partition.topicId, partition.partition) });
      builder = undefined;
    }
    if (builder === undefined) {
      builder = new BlockBuilder(offset, (record.value?.length ?? 0) + 256);
      this.#open.set(partition, builder);
    }
    this.#bytes += builder.add(record, timestampMs);
    return offset;
  }

  /** Ends the group; no more may be added. */
  close(): readonly PendingBlock[] {
    for (const [partition, builder] of this.#open) {
      this.#blocks.push({ partition, block: builder.build(partition.topicId, partition.partition) });
    }
    this.#open.clear();
    return this.#blocks;
  }

  /** Every partition that the group has reserved offsets of. */
  get partitions(): Set<PartitionLog> {
    return new Set([...this.#open.keys(), ...this.#blocks.map((pending) => pending.partition)]);
  }

  readonly resolve = (): void => this.#settle?.resolve();

  readonly reject = (error: Error): void => this.#settle?.reject(error);
}
