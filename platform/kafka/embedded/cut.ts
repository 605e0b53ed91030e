import type { FrameBlock, ParsedFrame } from './frame.ts';
import type { LogState } from './log-state.ts';
import type { MetaOperation, OffsetTuple, StateSnapshot } from './meta-operation.ts';
import { partKey, type SegmentPart } from './segment.ts';

/** Records that a repair takes out of a partition. */
export interface LostRange {
  readonly topic: string;
  readonly partition: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** At most so many: compaction may have dropped some before. */
  readonly records: number;
}

/** A group that will read some records again. */
export interface MovedOffset {
  readonly groupId: string;
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  /** Undefined where the group has no committed offset any more. */
  readonly to: number | undefined;
}

type Range = Pick<FrameBlock, 'topicId' | 'partition' | 'last' | 'records'> & { readonly base: number };

/** The least that a record takes on disk. */
const MIN_RECORD_BYTES = 24;

/**
 * Decides, commit by commit in the order in which they were written, what of a damaged log stays. A commit stays whole or
 * goes whole. One that goes takes with it every later commit that touches one of its partitions or one of its committed
 * offsets: what is left of a partition is a prefix, and no input counts as read whose output is gone. Offsets that were
 * given away are never given away again: partitions keep their ends, and what is gone is a hole.
 */
export class Cut {
  readonly #state: LogState;
  readonly #cut = new Set<number>();
  readonly #ends = new Map<number, number>();
  readonly #lost = new Map<number, { first: number; last: number; records: number }>();
  readonly #frozen = new Set<string>();
  readonly #committed = new Map<string, readonly [groupId: string, tuple: OffsetTuple]>();
  readonly #refused = new WeakSet<ParsedFrame>();
  /** Partitions that were seen whole since the last bytes that nobody could read. */
  #seen = new Set<number>();
  #unknownBytes = 0;
  #openBytes = 0;
  #allFrozen = false;

  constructor(finalState: LogState) {
    this.#state = finalState;
  }

  /** Whether a commit was turned away, though it may have had no records. */
  hasRefused(frame: ParsedFrame): boolean {
    return this.#refused.has(frame);
  }

  /** The blocks that stay of a frame whose bytes are right. */
  frame(frame: ParsedFrame, isJournal: boolean): FrameBlock[] {
    for (const operation of frame.operations)
      if (operation.op === 'snapshot') this.#snapshot(operation.state);
    for (const block of frame.blocks) this.#noticeGap(block);
    if (!isJournal) {
      const kept = frame.blocks.filter((block) => !this.#isCut(block));
      for (const block of frame.blocks) this.#pass(block, kept.includes(block));
      return kept;
    }
    const isKept =
      !frame.blocks.some((block) => this.#isCut(block)) && !this.#commitsFrozen(frame.operations);
    if (!isKept) {
      this.#refuse(frame);
      return [];
    }
    for (const block of frame.blocks) this.#pass(block, true);
    for (const operation of frame.operations) if (operation.op === 'offsets') this.#commit(operation);
    return [...frame.blocks];
  }

  /** The blocks that stay of a frame with damaged blocks: in a rewritten segment blocks stand alone. */
  damaged(frame: ParsedFrame, bad: readonly FrameBlock[], isJournal: boolean): FrameBlock[] {
    if (!bad.some((block) => this.#isLive(block)))
      return this.frame(frame, isJournal).filter((block) => !bad.includes(block));
    if (isJournal) {
      this.#refuse(frame);
      return [];
    }
    const kept: FrameBlock[] = [];
    for (const block of frame.blocks) {
      const isKept = !bad.includes(block) && !this.#isCut(block);
      this.#pass(block, isKept);
      if (isKept) kept.push(block);
    }
    return kept;
  }

  /** A whole segment of commits is gone, but its index tells of their records. */
  missing(parts: readonly SegmentPart[]): void {
    this.#allFrozen = true;
    for (const part of parts) this.#pass({ ...part, base: part.first }, false);
  }

  /** Nobody can tell what these bytes held: what follows shows which partitions lack records. */
  unknown(bytes: number): void {
    this.#allFrozen = true;
    this.#unknownBytes += bytes;
    this.#openBytes += bytes;
    this.#seen = new Set();
  }

  result(): {
    readonly lost: readonly LostRange[];
    readonly movedBack: readonly MovedOffset[];
    readonly unknownBytes: number;
    readonly state: StateSnapshot;
  } {
    const before = this.#state.snapshot();
    const groups = this.#groups();
    return {
      lost: [...this.#lost].flatMap(([key, range]) => this.#lostRange(key, range)),
      movedBack: before.groups.flatMap(([groupId, tuples]) => this.#movedBack(groupId, tuples)),
      unknownBytes: this.#unknownBytes,
      state: { ...before, topics: before.topics.map((topic) => this.#withEnds(topic)), groups },
    };
  }

  #snapshot(state: StateSnapshot): void {
    for (const [groupId, tuples] of state.groups) this.#commit({ groupId, offsets: tuples });
    for (const topic of state.topics) {
      for (const [partition, [, end]] of topic.partitions.entries()) {
        const place = { topicId: topic.id, partition, base: end, last: end - 1, records: 0 };
        this.#noticeGap(place);
        const key = partKey(topic.id, partition);
        this.#ends.set(key, Math.max(end, this.#ends.get(key) ?? 0));
        this.#seen.add(key);
      }
    }
    this.#openBytes = 0;
  }

  /** Only where something could not be read: else a hole is what compaction or an earlier repair left. */
  #noticeGap(block: Range): void {
    const key = partKey(block.topicId, block.partition);
    const end = this.#ends.get(key) ?? 0;
    if (this.#openBytes === 0 || this.#seen.has(key) || block.base <= end) return;
    this.#pass({ ...block, base: end, last: block.base - 1, records: block.base - end }, false);
  }

  #refuse(frame: ParsedFrame): void {
    this.#refused.add(frame);
    for (const block of frame.blocks) this.#pass(block, false);
    for (const operation of frame.operations) {
      if (operation.op !== 'offsets') continue;
      for (const tuple of operation.offsets) this.#frozen.add(offsetKey(operation.groupId, tuple));
    }
  }

  /** Goes on behind a block; one that does not stay cuts its partition, unless retention had let go of it. */
  #pass(block: Range, isKept: boolean): void {
    const key = partKey(block.topicId, block.partition);
    this.#ends.set(key, Math.max(block.last + 1, this.#ends.get(key) ?? 0));
    this.#seen.add(key);
    const partition = this.#state.topicById(block.topicId)?.partitions[block.partition];
    if (isKept || partition === undefined || block.last < partition.start) return;
    this.#cut.add(key);
    const lost = this.#lost.get(key);
    const first = Math.max(block.base, partition.start);
    const records = Math.min(block.records, block.last + 1 - first);
    if (lost === undefined) this.#lost.set(key, { first, last: block.last, records });
    else this.#lost.set(key, { first: lost.first, last: block.last, records: lost.records + records });
  }

  #isCut(block: Range): boolean {
    return this.#isLive(block) && this.#cut.has(partKey(block.topicId, block.partition));
  }

  /** Whether retention, or the deletion of the topic, has not let go of it. */
  #isLive(block: Range): boolean {
    const partition = this.#state.topicById(block.topicId)?.partitions[block.partition];
    return partition !== undefined && block.last >= partition.start;
  }

  #commitsFrozen(operations: readonly MetaOperation[]): boolean {
    return operations.some(
      (operation) =>
        operation.op === 'offsets' &&
        operation.offsets.some((tuple) => this.#isFrozen(offsetKey(operation.groupId, tuple))),
    );
  }

  #isFrozen(key: string): boolean {
    return this.#allFrozen || this.#frozen.has(key);
  }

  #commit(commit: { readonly groupId: string; readonly offsets: readonly OffsetTuple[] }): void {
    for (const tuple of commit.offsets) {
      const key = offsetKey(commit.groupId, tuple);
      if (!this.#isFrozen(key)) this.#committed.set(key, [commit.groupId, tuple]);
    }
  }

  #groups(): StateSnapshot['groups'] {
    const groups = new Map<string, OffsetTuple[]>();
    for (const [groupId, tuple] of this.#committed.values()) {
      if (this.#state.topic(tuple[0])?.partitions[tuple[1]] === undefined) continue;
      groups.set(groupId, [...(groups.get(groupId) ?? []), tuple]);
    }
    return [...groups];
  }

  #movedBack(groupId: string, tuples: readonly OffsetTuple[]): MovedOffset[] {
    return tuples.flatMap((tuple): MovedOffset[] => {
      const [topic, partition, from] = tuple;
      const to = this.#committed.get(offsetKey(groupId, tuple))?.[1][2];
      return to === from ? [] : [{ groupId, topic, partition, from, to }];
    });
  }

  #lostRange(
    key: number,
    range: { readonly first: number; readonly last: number; readonly records: number },
  ): LostRange[] {
    const topicId = Math.floor(key / partKey(1, 0));
    const topic = this.#state.topicById(topicId);
    if (topic === undefined) return [];
    const { first: firstOffset, last: lastOffset, records } = range;
    return [{ topic: topic.name, partition: key - partKey(topicId, 0), firstOffset, lastOffset, records }];
  }

  #withEnds(topic: StateSnapshot['topics'][number]): StateSnapshot['topics'][number] {
    const partitions = topic.partitions.map(([start, end], partition) => {
      const key = partKey(topic.id, partition);
      // Where nothing tells how far the lost bytes went, more offsets are passed over than they can have held.
      const skipped = this.#seen.has(key) ? 0 : Math.ceil(this.#openBytes / MIN_RECORD_BYTES);
      return [start, Math.max(start, end, this.#ends.get(key) ?? 0) + skipped] as const;
    });
    return { ...topic, partitions };
  }
}

function offsetKey(groupId: string, [topic, partition]: OffsetTuple): string {
  return `${groupId}\n${topic}\n${partition}`;
}
