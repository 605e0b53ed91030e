import { statfs } from 'node:fs/promises';
import { errorText } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { CommitGroup, type GroupOrigin } from './commit-group.ts';
import type { HotCache } from './hot-cache.ts';
import type { LogState } from './log-state.ts';
import { memoryOf } from './partition-log.ts';
import { noteOf, startSegment } from './recovery.ts';
import { tryWriteIndex } from './segment-index.ts';
import { MustStop, type SegmentWriter } from './segment-writer.ts';
import { newIdentity, Segment, type TableLoader } from './segment.ts';

export interface JournalOptions {
  readonly dir: string;
  readonly fsync: boolean;
  /** The active segment is closed when it has grown to this. */
  readonly segmentBytes: number;
  /** Writes are refused when the disk has less room than this. */
  readonly minFreeBytes: number;
  readonly loadTable: TableLoader;
  readonly log: Logger;
}

/** A group is closed at this size; a single transaction may be larger. */
const MAX_GROUP_BYTES = 8 * 1024 * 1024;

/** Free space is looked up again after this many bytes. */
const SPACE_CHECK_BYTES = 4 * 1024 * 1024;

/**
 * The only writer of the log. Callers add to the open group; while one group is being made durable the next collects,
 * so that callers who come together share one sync (group commit).
 */
export class Journal {
  readonly state: LogState;
  /** Closed segments in id order. */
  closed: readonly Segment[];
  /** Told after each change of topics; group coordinators listen. */
  onTopicsChanged: () => void = () => undefined;
  /** Told when a segment has been closed; retention and compaction listen. */
  onSegmentClosed: () => void = () => undefined;
  readonly #options: JournalOptions;
  readonly #hot: HotCache;
  readonly #queue: CommitGroup[] = [];
  #writer: SegmentWriter;
  #running: Promise<void> | undefined;
  #uncheckedBytes = Infinity;
  #failure: Error | undefined;
  #refusal: Error | undefined;
  #isRolling = false;

  constructor(
    parts: { readonly state: LogState; readonly closed: readonly Segment[]; readonly active: SegmentWriter },
    hot: HotCache,
    options: JournalOptions,
  ) {
    this.state = parts.state;
    this.closed = parts.closed;
    this.#writer = parts.active;
    this.#hot = hot;
    this.#options = options;
  }

  /**
   * The group to add to now, in this tick; its write starts at the end of the tick or after the write that runs. Throws
   * where the log refuses writes. `own` is for the log's own cleaning, which still runs while the log closes.
   */
  group(origin: GroupOrigin = 'caller'): CommitGroup {
    const refusal = this.#failure ?? (origin === 'own' ? undefined : this.#refusal);
    if (refusal !== undefined) throw refusal;
    let group = this.#queue.at(-1);
    // Cleaning goes alone: it may use the reserve of a full disk, and a caller's failure is not its own.
    if (group === undefined || group.origin !== origin || group.bytes >= MAX_GROUP_BYTES) {
      group = new CommitGroup(origin);
      this.#queue.push(group);
    }
    this.#start();
    return group;
  }

  /** Refuses the callers' writes from now on, with this reason. */
  refuse(reason: Error): void {
    this.#refusal = reason;
  }

  /** Resolves when all that was added is durable or has failed. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** The segment that takes the writes. */
  get active(): Segment {
    return this.#writer.segment;
  }

  /** Has the active segment closed soon, unless it holds nothing but its snapshot; `onSegmentClosed` tells when. */
  closeActive(): void {
    this.#isRolling = this.#writer.hasWork;
    this.#start();
  }

  /** Closes the active segment, unless it holds nothing but its snapshot, and starts the next. */
  async roll(): Promise<void> {
    this.closeActive();
    await this.settled();
  }

  /** Releases the files. Nothing may run any more. */
  close(): void {
    this.#writer.close();
    for (const segment of [...this.closed, this.#writer.segment]) segment.closeSync();
  }

  /** In a later microtask: what is added in this tick shares the write. */
  #start(): void {
    this.#running ??= Promise.resolve().then(() => this.#run());
  }

  async #run(): Promise<void> {
    while (this.#isRolling || this.#queue.length > 0) {
      const group = this.#queue.shift();
      try {
        if (this.#isRolling || this.#writer.workBytes >= this.#options.segmentBytes) await this.#roll();
        if (group === undefined) continue;
        if (group.origin === 'caller') await this.#checkSpace();
        await this.#commit(group);
      } catch (error) {
        this.#fail(group, error instanceof Error ? error : new Error(String(error)));
      }
    }
    this.#running = undefined;
  }

  async #commit(group: CommitGroup): Promise<void> {
    const pending = group.close();
    const writer = this.#writer;
    const { operations } = group;
    const blocks = pending.map(({ block }) => block);
    const frame = await writer.append(blocks, operations);
    this.#uncheckedBytes += frame.bytes;
    writer.note(frame, (topicId, partition) => {
      this.state.topicById(topicId)?.partitions[partition]?.attach(writer.segment);
    });
    for (const operation of operations) this.state.apply(operation);
    for (const { partition, block } of pending) {
      partition.append(block);
      this.#hot.added(partition, memoryOf(block.payload));
    }
    group.resolve();
    if (operations.some(({ op }) => op === 'topic' || op === 'delete-topic')) this.onTopicsChanged();
  }

  /** Fails the group and all that wait behind it: their offsets were counted on from those of the group. */
  #fail(group: CommitGroup | undefined, error: Error): void {
    if (error instanceof MustStop) this.#failure = error;
    const failed = [...(group === undefined ? [] : [group]), ...this.#queue.splice(0)];
    this.#options.log.error(
      { error: errorText(error), groups: failed.length },
      'the embedded log could not write; free some disk space, reading goes on',
    );
    for (const { partitions, reject } of failed) {
      for (const partition of partitions) partition.reserved = partition.end;
      reject(error);
    }
  }

  async #checkSpace(): Promise<void> {
    const { dir, minFreeBytes } = this.#options;
    if (minFreeBytes === 0 || this.#uncheckedBytes < SPACE_CHECK_BYTES) return;
    const { bavail, bsize } = await statfs(dir);
    if (bavail * bsize < minFreeBytes) throw outOfSpace(bavail * bsize);
    this.#uncheckedBytes = 0;
  }

  async #roll(): Promise<void> {
    this.#isRolling = false;
    const old = this.#writer;
    const { dir, fsync, loadTable } = this.#options;
    const segment = new Segment(dir, newIdentity(old.segment.id + 1), loadTable);
    const closing = noteOf(old.segment);
    this.#writer = await startSegment(segment, this.state, { fsync, closing });
    this.state.noteSegments([...this.state.segments, closing]);
    old.close();
    this.closed = [...this.closed, old.segment];
    tryWriteIndex(old.segment, this.#options.log);
    this.onSegmentClosed();
  }
}

function outOfSpace(freeBytes: number): Error {
  return Object.assign(new Error(`ENOSPC: only ${freeBytes} bytes are free on the disk of the log`), {
    code: 'ENOSPC',
  });
}
