import { MillraceError } from '../../errors.ts';
import type {
  GroupConsumer,
  GroupConsumerOptions,
  RecordBatch,
  TopicPartition,
  TopicPartitionOffset,
} from '../port.ts';
import { Fetcher } from './fetcher.ts';
import type { CoordinatedMember, GroupCoordinator } from './group-coordinator.ts';
import type { Journal } from './journal.ts';
import type { LogState } from './log-state.ts';
import { openGroup, writeFailed } from './producer.ts';

type Hooks = Parameters<GroupConsumer['start']>[0];

export interface MemberOptions extends GroupConsumerOptions {
  readonly id: string;
  readonly journal: Journal;
  readonly state: LogState;
  readonly coordinator: GroupCoordinator;
  readonly onClosed: (member: EmbeddedGroupMember) => void;
}

const DEFAULT_REBALANCE_TIMEOUT_MS = 60_000;

/** A group member of this process: the coordinator moves partitions, the fetcher reads them. */
export class EmbeddedGroupMember implements GroupConsumer, CoordinatedMember {
  readonly id: string;
  readonly topics: readonly string[];
  readonly assign: GroupConsumerOptions['assign'];
  readonly rebalanceTimeoutMs: number;
  readonly #options: MemberOptions;
  readonly #fetcher: Fetcher;
  /** Ends the wait for a hook that hangs when the member leaves. */
  readonly #left = deferred();
  /** The first assignment was taken, or nothing will come of it. */
  readonly #started = deferred();
  #hooks: Hooks | undefined;
  #assigned: readonly TopicPartition[] | undefined;
  #revoking: readonly TopicPartition[] | undefined;
  #failure: Error | undefined;
  #isClosed = false;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.id = options.id;
    this.topics = options.topics;
    this.assign = options.assign;
    this.rebalanceTimeoutMs = options.rebalanceTimeoutMs ?? DEFAULT_REBALANCE_TIMEOUT_MS;
    this.#fetcher = new Fetcher(options.state, options.maxBatchRecords ?? 5_000);
  }

  async start(hooks: Hooks): Promise<void> {
    this.#ensureOpen();
    for (const topic of this.topics) this.#options.state.partition(topic, 0);
    this.#hooks = hooks;
    this.#options.coordinator.join(this);
    await this.#started.promise;
    this.#throwFailure();
  }

  seek(position: TopicPartitionOffset): void {
    this.#fetcher.seek(position);
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#fetcher.pause(partitions);
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#fetcher.resume(partitions);
  }

  async poll(maxWaitMs: number): Promise<readonly RecordBatch[]> {
    this.#ensureOpen();
    this.#throwFailure();
    const batches = await this.#fetcher.poll(maxWaitMs);
    this.#throwFailure();
    return batches;
  }

  async commit(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    this.#ensureOpen();
    const { journal, state, groupId } = this.#options;
    for (const place of offsets) if (!this.#owns(place)) throw notTheOwner(groupId, place);
    for (const { topic, partition } of offsets) state.partition(topic, partition);
    const group = openGroup(journal);
    const tuples = offsets.map(({ topic, partition, offset }) => [topic, partition, offset] as const);
    group.operations.push({ op: 'offsets', groupId, offsets: tuples });
    try {
      await group.done;
    } catch (cause) {
      throw writeFailed(cause);
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#fetcher.close();
    this.#left.resolve();
    this.#started.resolve();
    this.#options.coordinator.leave(this);
    this.#options.onClosed(this);
  }

  async revoke(): Promise<void> {
    const revoked = this.#assigned;
    this.#assigned = undefined;
    this.#revoking = revoked;
    this.#fetcher.revoke();
    if (revoked !== undefined) await this.#call(this.#hooks?.onRevoked(revoked));
    this.#revoking = undefined;
  }

  async take(partitions: readonly TopicPartition[]): Promise<void> {
    if (this.#isClosed) return;
    this.#assigned = partitions;
    this.#fetcher.assign(partitions);
    await this.#call(this.#hooks?.onAssigned(partitions));
    this.#started.resolve();
    // The coordinator revokes only after this; what was taken from a member that was too slow is gone already.
    this.#fetcher.deliver();
  }

  expelled(): void {
    this.#revoking = undefined;
    this.#fetcher.revoke();
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.#started.resolve();
    this.#fetcher.interrupt();
  }

  /** Also while it lets go: what it has processed by then is its own. */
  #owns({ topic, partition }: TopicPartition): boolean {
    const held = this.#assigned ?? this.#revoking ?? [];
    return held.some((one) => one.topic === topic && one.partition === partition);
  }

  async #call(hook: Promise<void> | undefined): Promise<void> {
    try {
      await Promise.race([hook, this.#left.promise]);
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #ensureOpen(): void {
    if (!this.#isClosed) return;
    throw new MillraceError('MR_KAFKA_UNAVAILABLE', 'the consumer is closed', { retryable: false });
  }
}

function notTheOwner(groupId: string, { topic, partition }: TopicPartition): MillraceError {
  return new MillraceError('MR_KAFKA_FENCED', 'the group has moved on without this member', {
    context: { groupId, topic, partition },
  });
}

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function deferred(): Deferred {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
