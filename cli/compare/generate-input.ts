import { createRandom, createWeighted, type Draw, type Random } from '../../platform/random.ts';
import { partitionFor } from '../../platform/kafka/partitioner.ts';
import { EDGE_CASES, type EdgeEvent } from './edge-cases.ts';
import { JOB_TIMES } from './jobs.ts';

type Side = 'left' | 'right';

export interface InputEvent {
  readonly key: string;
  /** Where Java's default partitioner puts the key. */
  readonly partition: number;
  readonly eventTimeMs: number;
  readonly value: number;
  /** No other event of either side has it. */
  readonly id: string;
}

/** Both topics in the order in which they are written. */
export interface GeneratedInput {
  readonly left: readonly InputEvent[];
  readonly right: readonly InputEvent[];
}

export interface InputOptions {
  readonly seed: number;
  /** Random events of each side; edge cases and sentinels come on top. 20,000 where absent. */
  readonly eventsPerSide?: number;
  /** 4 where absent. */
  readonly partitions?: number;
}

/** A multiple of every window. */
const START_MS = 1_750_000_000_000;
const EVERY_MS = 100;
/** Small enough for an event to find its partners still waiting, whichever way an engine measures time. */
const SHUFFLE_MS = JOB_TIMES.joinDistanceMs;
/** Around the moment when windows and sessions close: some events come in time, some do not. */
const STRADDLE_MS = 14_000;
/** Later than anything that either engine could still use. */
const FAR_LATE_MS = { from: 30_000, to: 120_000 } as const;
const EDGE_EVERY_MS = 20_000;
const SENTINEL_AFTER_MS = 3_600_000;
const SENTINEL = 'end-';

interface Draft {
  readonly side: Side;
  readonly key: string;
  readonly eventTimeMs: number;
  readonly arrivalMs: number;
}

/**
 * Seeded input for every job. Three kinds of events:
 *
 * - keys that both sides share, a few of them very busy: shuffled by at most the distance of a join;
 * - keys of one side only, up to 14 s late, so that windows and sessions both take and refuse some of them;
 * - of either kind some 30 to 120 s late, which nothing takes.
 *
 * Edge cases (see {@link EDGE_CASES}) are strewn between them. Some events of a side share their time; none of a partition
 * shares it with the other side, so that merging by time has no ties. Every partition ends with a sentinel an hour later.
 */
export function generateInput(options: InputOptions): GeneratedInput {
  const { seed, eventsPerSide = 20_000, partitions = 4 } = options;
  const lengthMs = eventsPerSide * EVERY_MS;
  const edges = edgeDrafts(lengthMs);
  const taken = (side: Side) =>
    timesByPartition(
      edges.filter((draft) => draft.side === side),
      partitions,
    );
  const draw = (side: Side, avoid: ReadonlySet<string>) =>
    drawDrafts({
      side,
      count: eventsPerSide,
      lengthMs,
      random: createRandom('compare', seed, side),
      avoid,
      partitions,
    });
  const left = draw('left', taken('right'));
  const right = draw('right', new Set([...taken('left'), ...timesByPartition(left, partitions)]));
  const sentinels = sentinelDrafts(START_MS + lengthMs + SENTINEL_AFTER_MS, partitions);
  const finish = (side: Side, drawn: readonly Draft[]) => {
    const mine = [...edges, ...drawn, ...sentinels].filter((draft) => draft.side === side);
    return toEvents(mine, { random: createRandom('compare', seed, side, 'values'), partitions });
  };
  return { left: finish('left', left), right: finish('right', right) };
}

/** True for the keys of the events that only move time on; what they give says nothing about an engine. */
export function isSentinelKey(key: string): boolean {
  return key.startsWith(SENTINEL);
}

/** The value of the record: event time comes out of it, never out of the timestamp of the record. */
export function encodeEvent(event: InputEvent): Buffer {
  return Buffer.from(JSON.stringify({ t: event.eventTimeMs, v: event.value, id: event.id }));
}

/** Whole rounds of all cases, as many as fit, at least one. */
function edgeDrafts(lengthMs: number): readonly Draft[] {
  const rounds = Math.max(1, Math.floor(lengthMs / (EDGE_CASES.length * EDGE_EVERY_MS)));
  return Array.from({ length: rounds }, (_, round) =>
    EDGE_CASES.flatMap(({ name, events }, i) => {
      const instantMs = START_MS + (round * EDGE_CASES.length + i + 1) * EDGE_EVERY_MS;
      return events.map((event) => edgeDraft(event, `edge-${name}-${round}`, instantMs));
    }),
  ).flat();
}

function edgeDraft(event: EdgeEvent, key: string, instantMs: number): Draft {
  const { side, atMs, arrivesAtMs } = event;
  return { side, key, eventTimeMs: instantMs + atMs, arrivalMs: instantMs + arrivesAtMs };
}

interface DrawOptions {
  readonly side: Side;
  readonly count: number;
  readonly lengthMs: number;
  readonly random: Random;
  /** Times that the other side has, as {@link timeInPartition} writes them. */
  readonly avoid: ReadonlySet<string>;
  readonly partitions: number;
}

function drawDrafts(options: DrawOptions): readonly Draft[] {
  const { side, count, lengthMs, random } = options;
  const sharedKey = createWeighted(keyNames('both', 300), (_, rank) => 1 / (rank + 1));
  const ownKey = createWeighted(keyNames(side, 60), (_, rank) => 1 / (rank + 4));
  const drafts: Draft[] = [];
  for (let i = 0; i < count; i++) {
    const before = drafts.at(-1);
    const isTwin = before !== undefined && random.chance(0.03);
    const key = isTwin && random.chance(0.5) ? before.key : drawKey(random, sharedKey, ownKey);
    const wanted = isTwin ? before.eventTimeMs : START_MS + random.int(lengthMs);
    const eventTimeMs = freeTime(key, wanted, options);
    // At the end nothing would come before it that makes it late.
    const mayBeFarLate = eventTimeMs + FAR_LATE_MS.to < START_MS + lengthMs;
    const delayMs =
      mayBeFarLate && random.chance(0.02) ? farDelay(random) : nearDelay(random, key.startsWith(side));
    drafts.push({ side, key, eventTimeMs, arrivalMs: eventTimeMs + delayMs });
  }
  return drafts;
}

function keyNames(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
}

function drawKey(random: Random, sharedKey: Draw<string>, ownKey: Draw<string>): string {
  return random.chance(0.7) ? sharedKey(random) : ownKey(random);
}

function farDelay(random: Random): number {
  return FAR_LATE_MS.from + random.int(FAR_LATE_MS.to - FAR_LATE_MS.from);
}

function nearDelay(random: Random, isOwnKey: boolean): number {
  if (random.chance(0.5)) return 0;
  return random.int((isOwnKey ? STRADDLE_MS : SHUFFLE_MS) + 1);
}

function freeTime(key: string, wantedMs: number, options: DrawOptions): number {
  const partition = partitionFor(key, options.partitions);
  let timeMs = wantedMs;
  while (options.avoid.has(timeInPartition(partition, timeMs))) timeMs++;
  return timeMs;
}

function timesByPartition(drafts: readonly Draft[], partitions: number): ReadonlySet<string> {
  return new Set(
    drafts.map((draft) => timeInPartition(partitionFor(draft.key, partitions), draft.eventTimeMs)),
  );
}

function timeInPartition(partition: number, timeMs: number): string {
  return `${partition}/${timeMs}`;
}

/** One for each side and partition; the two of a partition join each other. */
function sentinelDrafts(timeMs: number, partitions: number): readonly Draft[] {
  return sentinelKeys(partitions).flatMap((key) => [
    { side: 'left' as const, key, eventTimeMs: timeMs, arrivalMs: timeMs },
    { side: 'right' as const, key, eventTimeMs: timeMs + 1, arrivalMs: timeMs + 1 },
  ]);
}

function sentinelKeys(partitions: number): readonly string[] {
  const keys = new Map<number, string>();
  for (let i = 0; keys.size < partitions; i++) {
    const key = `${SENTINEL}${i}`;
    const partition = partitionFor(key, partitions);
    if (!keys.has(partition)) keys.set(partition, key);
  }
  return [...keys.values()];
}

/** In the order of arrival; drafts that arrive together stay in the order given. */
function toEvents(
  drafts: readonly Draft[],
  { random, partitions }: { readonly random: Random; readonly partitions: number },
): readonly InputEvent[] {
  return drafts
    .toSorted((a, b) => a.arrivalMs - b.arrivalMs)
    .map(({ side, key, eventTimeMs }, i) => ({
      key,
      partition: partitionFor(key, partitions),
      eventTimeMs,
      value: random.int(2001) - 1000,
      id: `${side}-${i}`,
    }));
}
