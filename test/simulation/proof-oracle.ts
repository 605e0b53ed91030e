/**
 * What the proof job must have said, told from the log of its input alone by a few lines that share nothing with the
 * engine: one pass over each partition in the order of its offsets.
 */
import type { World } from '../../processors/runtime/simulation/index.ts';
import type { ProductViewed, UserActed } from '../../schemas/generated/events.ts';
import { deadLetterTopic, lateTopic } from '../../schemas/topics.ts';
import { decodeEvent } from '../../schemas/wire-format.ts';
import {
  ACTIONS,
  CLOSED,
  FOLLOW_UP_MS,
  FOLLOW_UPS,
  GRACE_MS,
  LAST,
  POISON,
  REFUSED,
  SECOND_MS,
  VIEWS,
  type ClosedWindow,
  type FollowUp,
} from './proof-job.ts';

export interface OracleOptions {
  readonly outOfOrderMs: number;
  /**
   * Whether nothing but events has moved the watermark, so that it is known what was late. Else the late topic is
   * believed in what it says, and everything else is held against that.
   */
  readonly isLateKnown: boolean;
  /** Whether things may be there more often than they must be; facts have a place in the log, and are there once. */
  readonly isAtLeastOnce?: boolean | undefined;
}

/** How often each thing must be there, or is. */
type Counts = Map<string, number>;

interface Expected {
  readonly facts: Counts;
  readonly items: Counts;
  readonly closed: Counts;
  readonly late: Counts;
  readonly letters: Counts;
  readonly totals: Counts;
  readonly actions: Counts;
  readonly followUps: Counts;
}

/** Everything that is not as it must be, in words; empty where all is. */
export function checkProof(world: World, options: OracleOptions): readonly string[] {
  const late = countedBy(world.records(lateTopic(VIEWS)), ({ headers }) => originOf(headers));
  const expected = expect(world, options, options.isLateKnown ? undefined : late);
  const actions = world
    .records(ACTIONS)
    .filter(isValue)
    .map(({ value }) => decodeEvent(value) as UserActed);
  const actionsLate = world.records(lateTopic(ACTIONS)).map(({ value }) => decodeEvent(value) as UserActed);
  const devices = counted(actions.map((action) => windowOf(action.userId, action.eventTime)));
  for (const action of actionsLate) add(devices, windowOf(action.userId, action.eventTime), -1);
  // Nothing comes behind the last views, but the clock may close their windows too.
  const closed = (values(world, CLOSED) as readonly ClosedWindow[]).filter(({ item }) => item !== LAST);
  const differ = options.isAtLeastOnce === true ? shortfalls : differences;
  return [
    ...checkLog(world),
    ...differ('fact', expected.facts, facts(world)),
    ...differ('window of an item', expected.items, latestRows(world, 'item_second')),
    // With how many views it closed is part of what was said.
    ...(options.isAtLeastOnce === true
      ? []
      : differ('closed window', expected.closed, countedBy(closed, closedText))),
    ...differ('late event', expected.late, late),
    ...differ(
      'dead letter',
      expected.letters,
      countedBy(world.records(deadLetterTopic(VIEWS)), ({ headers }) => originOf(headers)),
    ),
    ...differ(
      'total in the online store',
      expected.totals,
      new Map([...world.online.values()].map(([key, value]) => [key, Number(value)])),
    ),
    ...differ('action', expected.actions, counted(actions.map(actionText))),
    ...differ('late action', new Map(), doubled(counted(actionsLate.map(({ eventId }) => eventId)))),
    ...differ('window of a device', devices, latestRows(world, 'device_second')),
    ...(options.isLateKnown
      ? differ(
          'follow-up',
          expected.followUps,
          countedBy(values(world, FOLLOW_UPS) as readonly FollowUp[], followUpText),
        )
      : differ(
          'follow-up',
          new Map(),
          doubled(countedBy(values(world, FOLLOW_UPS) as readonly FollowUp[], followUpText)),
        )),
  ];
}

/** @param believed places of late events, where they are not known */
function expect(world: World, { outOfOrderMs }: OracleOptions, believed: Counts | undefined): Expected {
  const expected: Expected = {
    ...{ facts: new Map(), items: new Map(), closed: new Map(), late: new Map() },
    ...{ letters: new Map(), totals: new Map(), actions: new Map(), followUps: new Map() },
  };
  const watermarks = new Map<number, number>();
  const seen = new Set<string>();
  const asked = new Set<string>();
  for (const { partition, offset, value } of world.records(VIEWS)) {
    const place = `${partition}/${offset}`;
    const view = readable(value);
    if (view === undefined) {
      add(expected.letters, place, 1);
      continue;
    }
    // An item's events of one device are in one partition, so ids need no partition.
    if (seen.has(view.eventId)) continue;
    const { itemId, eventTime } = view;
    const watermarkMs = watermarks.get(partition) ?? Number.NEGATIVE_INFINITY;
    watermarks.set(partition, Math.max(watermarkMs, eventTime - outOfOrderMs));
    if (itemId === POISON || itemId === REFUSED) {
      add(expected.letters, place, 1);
      continue;
    }
    seen.add(view.eventId);
    add(expected.facts, `${place} ${view.eventId}`, 1);
    add(expected.totals, `total:${partition}:${itemId}`, 1);
    add(expected.actions, actionText({ userId: view.anonymousId, itemId, eventTime }), 1);
    const startMs = Math.floor(eventTime / SECOND_MS) * SECOND_MS;
    const endMs = startMs + SECOND_MS;
    const isLate = believed === undefined ? endMs + GRACE_MS <= watermarkMs : believed.has(place);
    if (isLate) add(expected.late, place, 1);
    else add(expected.items, `${partition} ${itemId} ${startMs}`, 1);
    const followUp = followUpText({ partition, item: itemId, startMs });
    if (endMs + FOLLOW_UP_MS <= watermarkMs || asked.has(followUp)) continue;
    asked.add(followUp);
    if (itemId !== LAST) add(expected.followUps, followUp, 1);
  }
  for (const [window, views] of expected.items) {
    const [partition, item = '', startMs] = window.split(' ');
    const closed = { partition: Number(partition), item, startMs: Number(startMs), views };
    if (item !== LAST) add(expected.closed, closedText(closed), 1);
  }
  return expected;
}

/** Each record that was acknowledged is where it was said to be, and nothing is there more often than it was sent. */
function checkLog(world: World): readonly string[] {
  const places = new Map(
    world.records(VIEWS).map((record) => [`${record.partition}/${record.offset}`, record.value]),
  );
  const problems: string[] = [];
  for (const { partition, offset, input } of world.acknowledged) {
    const there = places.get(`${partition}/${offset}`);
    if (there === undefined || there === null || input.value === null || !there.equals(input.value))
      problems.push(`acknowledged record ${partition}/${offset} is not there`);
  }
  const attempts = [...world.attempts.values()].reduce((sum, count) => sum + count, 0);
  if (places.size > attempts)
    problems.push(`${places.size} records in the log of ${attempts} that were sent`);
  return problems;
}

function facts(world: World): Counts {
  const rows = world.tables.rows('clicks');
  const texts = rows.map(
    (row) => `${String(row['_partition'])}/${String(row['_offset'])} ${String(row['event_id'])}`,
  );
  // One row for each place, as a reader with FINAL sees them.
  return new Map([...new Set(texts)].map((text) => [text, 1]));
}

/** The highest version of each window. */
function latestRows(world: World, table: string): Counts {
  const latest = new Map<string, { readonly version: number; readonly count: number }>();
  for (const row of world.tables.rows(table)) {
    const owner = table === 'item_second' ? `${String(row['partition'])} ` : '';
    const window = `${owner}${String(row['key'])} ${String(row['window_start'])}`;
    const version = Number(row['version']);
    if (version > (latest.get(window)?.version ?? -1))
      latest.set(window, { version, count: Number(row['count']) });
  }
  return new Map([...latest].map(([window, { count }]) => [window, count]));
}

function differences(what: string, expected: Counts, found: Counts): readonly string[] {
  const keys = new Set([...expected.keys(), ...found.keys()]);
  return [...keys].flatMap((key) => {
    const wanted = expected.get(key) ?? 0;
    const got = found.get(key) ?? 0;
    return wanted === got ? [] : [`${what} ${key}: ${got} instead of ${wanted}`];
  });
}

/** Only what is there too seldom. */
function shortfalls(what: string, expected: Counts, found: Counts): readonly string[] {
  const least = [...expected].filter(([key, count]) => (found.get(key) ?? 0) < count);
  return differences(what, new Map(least), new Map(least.map(([key]) => [key, found.get(key) ?? 0])));
}

function values(world: World, topic: string): readonly unknown[] {
  return world
    .records(topic)
    .flatMap(({ value }) => (value === null ? [] : [JSON.parse(value.toString()) as unknown]));
}

function isValue<
  R extends { readonly value: Buffer | null; readonly headers: Readonly<Record<string, string>> },
>(record: R): record is R & { readonly value: Buffer } {
  return record.value !== null && record.headers['mr-watermark'] === undefined;
}

function readable(value: Buffer | null): ProductViewed | undefined {
  try {
    return decodeEvent(value) as ProductViewed;
  } catch {
    return undefined; // noise, which the job must have put aside
  }
}

function counted(texts: readonly string[]): Counts {
  const counts: Counts = new Map();
  for (const text of texts) add(counts, text, 1);
  return counts;
}

function countedBy<R>(records: readonly R[], textOf: (record: R) => string): Counts {
  return counted(records.map(textOf));
}

/** What is there more than once. */
function doubled(counts: Counts): Counts {
  return new Map([...counts].filter(([, count]) => count > 1));
}

function add(counts: Counts, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

function originOf(headers: Readonly<Record<string, string>>): string {
  return `${headers['mr-origin-partition'] ?? '?'}/${headers['mr-origin-offset'] ?? '?'}`;
}

function windowOf(key: string, eventTimeMs: number): string {
  return `${key} ${Math.floor(eventTimeMs / SECOND_MS) * SECOND_MS}`;
}

function actionText({
  userId,
  itemId,
  eventTime,
}: Pick<UserActed, 'userId' | 'itemId' | 'eventTime'>): string {
  return `${userId} ${itemId} ${eventTime}`;
}

function closedText({ partition, item, startMs, views }: ClosedWindow): string {
  return `${partition} ${item} ${startMs} with ${views}`;
}

function followUpText({ partition, item, startMs }: FollowUp): string {
  return `${partition} ${item} ${startMs}`;
}
