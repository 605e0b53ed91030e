import { errorText } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { survivingOffsets } from './compaction.ts';
import type { Journal } from './journal.ts';
import type { TopicState } from './log-state.ts';
import type { MetaOperation } from './meta-operation.ts';
import { noteOf } from './recovery.ts';
import { closedParts, expiredStarts, hasExpired, retentionPolicy } from './retention.ts';
import { planRewrites, type Survivors } from './rewrite-plan.ts';
import { tryWriteIndex } from './segment-index.ts';
import { rewriteSegments } from './segment-rewriter.ts';
import { syncDirectory } from './segment-writer.ts';
import { partKey, removeSegmentFiles, type Segment, type SegmentPart } from './segment.ts';
import type { TableCache } from './table-cache.ts';

export interface MaintenanceOptions {
  readonly journal: Journal;
  readonly tables: TableCache;
  readonly dir: string;
  readonly fsync: boolean;
  readonly segmentBytes: number;
  /** A compacted topic is compacted when it is larger than twice its size after the last time and this. */
  readonly compactionSlackBytes: number;
  readonly log: Logger;
  readonly now: () => number;
}

/** Keeps the disk bounded: retention, compaction, and the rewriting of segments that are mostly dead or small. */
export class Maintenance {
  readonly #options: MaintenanceOptions;
  #running: Promise<void> = Promise.resolve();

  constructor(options: MaintenanceOptions) {
    this.#options = options;
  }

  /** Runs one pass after those that were asked for before. A failure is logged: the next pass tries again. */
  run(): Promise<void> {
    this.#running = this.#running.then(async () => {
      try {
        await this.#pass();
      } catch (error) {
        this.#options.log.error(
          { error: errorText(error) },
          'the embedded log could not be cleaned; it goes on growing until the cause is removed',
        );
      }
    });
    return this.#running;
  }

  async #pass(): Promise<void> {
    const { journal, now } = this.#options;
    const topics = [...journal.state.topics];
    if (topics.some((topic) => hasExpired(topic, journal.active, now()))) journal.closeActive();
    const before = new Set(journal.closed);
    await this.#apply(topics.flatMap((topic) => expiredStarts(topic, before, now())));
    await this.#removeDead();
    // Only what was surveyed may be rewritten: segments that are closed from here on have records that nobody counted.
    const surveyed = journal.closed;
    const closed = new Set(surveyed);
    const due = topics.filter((topic) => this.#isDue(topic, closed));
    const survivors: Survivors = new Map<number, Float64Array>();
    for (const topic of due) await this.#survey(topic, closed, survivors);
    await this.#rewrite(surveyed, survivors);
    const newestId = surveyed.at(-1)?.id ?? 0;
    const cleaned = new Set(journal.closed.filter((segment) => segment.id <= newestId));
    await this.#apply(
      due.map((topic) => ({ op: 'compacted', topicId: topic.id, cleanBytes: closedBytes(topic, cleaned) })),
    );
  }

  async #apply(operations: readonly MetaOperation[]): Promise<void> {
    if (operations.length === 0) return;
    const group = this.#options.journal.group('own');
    group.operations.push(...operations);
    await group.done;
  }

  async #removeDead(): Promise<void> {
    const { journal } = this.#options;
    const dead = journal.closed.filter((segment) => !this.#hasLiveParts(segment));
    if (dead.length === 0) return;
    // Told before the files go: a start must not miss them.
    await this.#apply([{ op: 'removed', ids: dead.map(({ id }) => id) }]);
    await this.#swap(dead, undefined);
  }

  #hasLiveParts(segment: Segment): boolean {
    return [...segment.parts.values()].some((part) => this.#isLive(part));
  }

  #isLive(part: SegmentPart): boolean {
    const partition = this.#options.journal.state.topicById(part.topicId)?.partitions[part.partition];
    return partition !== undefined && part.last >= partition.start;
  }

  #isDue(topic: TopicState, closed: ReadonlySet<Segment>): boolean {
    if (!retentionPolicy(topic.config).compacts) return false;
    return closedBytes(topic, closed) > 2 * topic.cleanBytes + this.#options.compactionSlackBytes;
  }

  async #survey(topic: TopicState, closed: ReadonlySet<Segment>, into: Survivors): Promise<void> {
    const { deleteRetentionMs } = retentionPolicy(topic.config);
    const tombstonesBeforeMs = this.#options.now() - deleteRetentionMs;
    for (const partition of topic.partitions) {
      const offsets = await survivingOffsets(partition, { closed, tombstonesBeforeMs });
      into.set(partKey(topic.id, partition.partition), offsets);
    }
  }

  /** The oldest first: a tombstone must not go before the record that it deletes. */
  async #rewrite(surveyed: readonly Segment[], survivors: Survivors): Promise<void> {
    const { tables, fsync, segmentBytes } = this.#options;
    const isLive = (part: SegmentPart) => this.#isLive(part);
    for (const sources of planRewrites(surveyed, { survivors, isLive, segmentBytes })) {
      const rewritten = await rewriteSegments(sources, {
        fsync,
        loadTable: tables.load,
        keep: (part) =>
          isLive(part) ? (survivors.get(partKey(part.topicId, part.partition)) ?? 'all') : undefined,
      });
      if (rewritten === undefined) continue;
      const ids = sources.map(({ id }) => id);
      await this.#apply([{ op: 'rewritten', ids, into: noteOf(rewritten) }]);
      await this.#swap(sources, rewritten);
    }
  }

  /** Puts the rewritten segment, if any, in the place of its sources and removes their files. */
  async #swap(sources: readonly Segment[], rewritten: Segment | undefined): Promise<void> {
    const { journal, tables, dir, fsync, log } = this.#options;
    const gone = new Set(sources);
    if (rewritten !== undefined) tryWriteIndex(rewritten, log);
    journal.closed = journal.closed.flatMap((segment) => {
      if (rewritten !== undefined && segment === sources[0]) return [rewritten];
      return gone.has(segment) ? [] : [segment];
    });
    for (const topic of journal.state.topics) {
      for (const partition of topic.partitions) partition.replace(gone, rewritten);
    }
    for (const source of sources) {
      tables.forget(source);
      if (source.id !== rewritten?.id) removeSegmentFiles(dir, source.id);
      await source.drop();
    }
    if (fsync) syncDirectory(dir);
  }
}

function closedBytes(topic: TopicState, closed: ReadonlySet<Segment>): number {
  return topic.partitions
    .flatMap((partition) => closedParts(partition, closed))
    .reduce((sum, { part }) => sum + part.bytes, 0);
}
