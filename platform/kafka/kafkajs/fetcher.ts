/**
 * Reads partitions ahead of their owner: one long-polling fetch in flight for each broker, at most two answers waiting
 * for each partition, decoded only when they are taken. A seek, a removal or a new assignment makes a fetch under way
 * a no-op: its answer carries the version of the position it was sent for.
 */
import { MillraceError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { RecordBatch, TopicPartition, TopicPartitionOffset } from '../port.ts';
import { createBackoff, type Backoff } from './backoff.ts';
import type { ClusterClient } from './cluster-client.ts';
import { partitionKey } from './protocol/by-topic.ts';
import { FETCH, type FetchedPartition } from './protocol/data-api.ts';
import { recreated, outOfRange } from '../offset-range.ts';
import { listOffsets } from './offsets.ts';
import { brokerError, errorName, NONE, OFFSET_OUT_OF_RANGE, STALE_LEADER } from './protocol/error-codes.ts';
import { FetchPosition } from './fetch-position.ts';

export interface FetcherOptions {
  readonly client: ClusterClient;
  readonly log: Logger;
  readonly maxBatchRecords: number;
  /** A partition that has records and is given none for so long is told of and looked for again; 30 s where absent. */
  readonly stallMs?: number;
}

const MAX_BYTES = 4 * 1024 * 1024;
const PARTITION_MAX_BYTES = 1024 * 1024;
/** How long a broker may hold a fetch while there is nothing new. */
const IDLE_WAIT_MS = 500;
/** The same while a partition outside the fetch is about to come back: its owner is working on what it has. */
const BUSY_WAIT_MS = 10;
/** The same while a partition outside the fetch may be sought or resumed. */
const HELD_WAIT_MS = 100;
const MAX_BACKOFF_MS = 1_000;
const STALL_MS = 30_000;

/** The fetching half of a consumer. Its waits and failures are for one owner. */
export class Fetcher {
  readonly #client: ClusterClient;
  readonly #log: Logger;
  readonly #maxBatchRecords: number;
  readonly #stallMs: number;
  #positions = new Map<string, FetchPosition>();
  /** Of the topics as they were first read, whatever was assigned since: offsets are those of that topic. */
  readonly #topicIds = new Map<string, string>();
  readonly #inFlight = new Set<number>();
  readonly #blocked = new Set<number>();
  readonly #backoff: Backoff;
  readonly #closing = new AbortController();
  readonly #waiters = new Set<() => void>();
  #failure: MillraceError | null = null;
  #recovering = false;
  #turn = 0;

  constructor({ client, log, maxBatchRecords, stallMs = STALL_MS }: FetcherOptions) {
    this.#stallMs = stallMs;
    this.#client = client;
    this.#backoff = createBackoff(MAX_BACKOFF_MS, client.scheduler);
    this.#log = log;
    this.#maxBatchRecords = maxBatchRecords;
  }

  /** Replaces the partitions; none flows before its seek. */
  assign(partitions: readonly TopicPartition[]): void {
    for (const position of this.#positions.values()) position.drop();
    this.#positions = new Map(partitions.map((place) => [partitionKey(place), new FetchPosition(place)]));
    this.#failure = null;
  }

  seek({ offset, ...place }: TopicPartitionOffset): void {
    for (const position of this.#of([place])) position.seek(offset);
    this.#requireSame();
    this.#pump();
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const position of this.#of(partitions)) position.paused = true;
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const position of this.#of(partitions)) position.paused = false;
    this.#pump();
    this.wake();
  }

  /**
   * What is ready, at most one batch for each partition. Throws MR_KAFKA_OFFSET_OUT_OF_RANGE or another final error of
   * a partition until it is sought again, MR_KAFKA_UNAVAILABLE once for each failed attempt.
   */
  take(): readonly RecordBatch[] {
    for (const position of this.#positions.values()) if (position.refusal !== null) throw position.refusal;
    if (this.#failure !== null) {
      const error = this.#failure;
      this.#failure = null;
      throw error;
    }
    const batches = [...this.#positions.values()].flatMap((position) =>
      takeFrom(position, this.#maxBatchRecords),
    );
    if (batches.length > 0) this.#pump();
    return batches;
  }

  /** Waits until something may be ready, or until the deadline. */
  async ready(maxWaitMs: number): Promise<void> {
    if (maxWaitMs <= 0 || this.#closing.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        forget();
        this.#waiters.delete(done);
        resolve();
      };
      const forget = this.#client.scheduler.after(maxWaitMs, done);
      this.#waiters.add(done);
    });
  }

  /** Ends every wait. */
  wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  close(): void {
    this.#closing.abort();
    this.wake();
  }

  #of(partitions: readonly TopicPartition[]): readonly FetchPosition[] {
    return partitions.flatMap((place) => this.#positions.get(partitionKey(place)) ?? []);
  }

  #fail(error: unknown): void {
    this.#failure =
      error instanceof MillraceError
        ? error
        : new MillraceError('MR_INTERNAL', 'a fetch failed', { cause: error });
    this.wake();
  }

  /** Starts a fetch at every leader that has something to give and none under way. */
  #pump(): void {
    if (this.#closing.signal.aborted) return;
    const wanted = new Map<number, FetchPosition[]>();
    for (const position of this.#positions.values()) {
      if (!position.wantsMore) continue;
      const leader = this.#client.leaderOf(position.place);
      if (leader === undefined) void this.#recover();
      else if (!this.#blocked.has(leader) && !this.#inFlight.has(leader))
        wanted.set(leader, [...(wanted.get(leader) ?? []), position]);
    }
    for (const [leader, these] of wanted) void this.#fetchFrom(leader, these);
  }

  async #fetchFrom(leader: number, these: readonly FetchPosition[]): Promise<void> {
    this.#inFlight.add(leader);
    const sent = these.map((position) => ({ position, ...position.request() }));
    // Each fetch begins with another partition, so that a full answer starves none (KIP-74).
    const first = this.#turn++ % sent.length;
    const partitions = [...sent.slice(first), ...sent.slice(0, first)].map(({ place }) => place);
    try {
      const answer = await this.#client.call(leader, FETCH, {
        maxWaitMs: waitFor(these, this.#positions),
        maxBytes: MAX_BYTES,
        partitionMaxBytes: PARTITION_MAX_BYTES,
        partitions,
      });
      if (answer.errorCode !== NONE)
        throw brokerError(answer.errorCode, 'fetch', { code: 'MR_KAFKA_UNAVAILABLE' });
      if (!answer.partitions.some(({ errorCode }) => STALE_LEADER.has(errorCode))) this.#backoff.reset();
      const byKey = new Map(sent.map((one) => [partitionKey(one.place), one]));
      for (const fetched of answer.partitions) {
        const one = byKey.get(partitionKey(fetched));
        if (one !== undefined && one.position.version === one.version) this.#accept(one.position, fetched);
      }
    } catch (error) {
      if (!this.#closing.signal.aborted) {
        this.#blocked.add(leader);
        this.#fail(error);
        void this.#recover();
      }
    } finally {
      this.#inFlight.delete(leader);
      this.#pump();
      this.wake();
    }
  }

  #accept(position: FetchPosition, fetched: FetchedPartition): void {
    const { errorCode, topic, partition } = fetched;
    if (errorCode === NONE) {
      position.accept(fetched, this.#client.scheduler.elapsedMs());
      this.#watch(position);
    } else if (STALE_LEADER.has(errorCode)) {
      this.#log.debug({ topic, partition, reason: errorName(errorCode) }, 'a partition has moved');
      const leader = this.#client.leaderOf(position.place);
      if (leader !== undefined) this.#blocked.add(leader);
      void this.#recover();
    } else {
      void this.#refuse(position, errorCode);
    }
  }

  /** Refuses a partition for good. Never rejects; a seek meanwhile makes it a no-op. */
  async #refuse(position: FetchPosition, errorCode: number): Promise<void> {
    const { place, version } = position.request();
    const context = { ...place };
    position.isRefusing = true;
    let error = brokerError(errorCode, 'read a partition', { context });
    if (errorCode === OFFSET_OUT_OF_RANGE)
      error = await this.#rangeFault(place).catch(() =>
        // The partition stays refused where its range cannot be found.
        brokerError(errorCode, 'read a partition', { code: 'MR_KAFKA_OFFSET_OUT_OF_RANGE', context }),
      );
    if (position.version === version) position.refuse(error);
    this.wake();
  }

  async #rangeFault(place: TopicPartitionOffset): Promise<MillraceError> {
    await this.#client.refresh([place.topic]);
    this.#requireSame();
    const [start = 0] = await listOffsets(this.#client, [place], 'start');
    const [end = 0] = await listOffsets(this.#client, [place], 'end');
    return outOfRange(place, { start, end });
  }

  /** Refuses the partitions of topics that are others than when they were first sought. */
  #requireSame(): void {
    for (const position of this.#positions.values()) {
      const { topic } = position.place;
      const id = this.#client.topicId(topic);
      const first = this.#topicIds.get(topic);
      if (first === undefined && id !== undefined) this.#topicIds.set(topic, id);
      if (first !== undefined && first !== id) position.refuse(recreated(topic));
    }
  }

  /** A partition that is held, beats its heart and gets nothing would go unnoticed (tulios/kafkajs#1456). */
  #watch(position: FetchPosition): void {
    const { stalledSinceMs, place } = position;
    if (stalledSinceMs === null || this.#client.scheduler.elapsedMs() - stalledSinceMs < this.#stallMs)
      return;
    position.stalledSinceMs = null;
    const leader = this.#client.leaderOf(place);
    if (leader !== undefined) this.#blocked.add(leader);
    const { offset } = position.request().place;
    this.#log.warn(
      { ...place, offset, leader },
      'a broker has records of a partition and gives none; its leader is looked up again, look at the log of that broker',
    );
    this.#fail(
      new MillraceError('MR_KAFKA_UNAVAILABLE', 'a broker has records of a partition and gives none', {
        context: { ...place, offset },
      }),
    );
    void this.#recover();
  }

  /** Finds the leaders again after a wait; tries for ever, telling each failure to the owner. Never rejects. */
  async #recover(): Promise<void> {
    if (this.#recovering) return;
    this.#recovering = true;
    for (let found = false; !found && !this.#closing.signal.aborted; ) {
      await this.#backoff.wait(this.#closing.signal);
      try {
        await this.#refresh();
        found = true;
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#recovering = false;
    this.#blocked.clear();
    this.#pump();
  }

  async #refresh(): Promise<void> {
    const places = [...this.#positions.values()].map(({ place }) => place);
    await this.#client.refresh([...new Set(places.map(({ topic }) => topic))]);
    this.#requireSame();
    const lost = places.find((place) => this.#client.leaderOf(place) === undefined);
    if (lost === undefined) return;
    const { topic, partition } = lost;
    throw new MillraceError('MR_KAFKA_UNAVAILABLE', 'a partition has no leader, or its topic is gone', {
      context: { topic, partition },
    });
  }
}

/** Unreadable bytes refuse the partition at the next call, so that the others' batches are not lost with them. */
function takeFrom(position: FetchPosition, maxRecords: number): readonly RecordBatch[] {
  try {
    const batch = position.take(maxRecords);
    return batch === null ? [] : [batch];
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    position.refuse(error);
    return [];
  }
}

/** How long the broker may hold a fetch of these partitions, given the others. */
function waitFor(these: readonly FetchPosition[], all: ReadonlyMap<string, FetchPosition>): number {
  if (these.some((position) => !position.idleTold)) return BUSY_WAIT_MS;
  const others = [...all.values()].filter((position) => !these.includes(position));
  if (others.some((position) => position.isBuffered)) return BUSY_WAIT_MS;
  return others.some((position) => position.isHeld) ? HELD_WAIT_MS : IDLE_WAIT_MS;
}
