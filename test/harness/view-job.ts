import type { ProduceRecord, TopicSpec } from '../../platform/kafka/port.ts';
import { count } from '../../processors/runtime/aggregates/index.ts';
import {
  isOneOf,
  toEvents,
  toFacts,
  topology,
  toWindowTable,
  type NodeContext,
  type Push,
} from '../../processors/runtime/dsl/index.ts';
import type { Subtopology } from '../../processors/runtime/topology.ts';
import { onUpdate, tumbling, type WindowResult } from '../../processors/runtime/windows/index.ts';
import type { ProductViewed, UserActed } from '../../schemas/generated/events.ts';
import { deadLetterTopic, INTERNAL_TOPICS, lateTopic, SHOP_TOPICS } from '../../schemas/topics.ts';
import { encodeEvent } from '../../schemas/wire-format.ts';
import { eventId, shopEvent, T0, viewOf } from './shop-events.ts';

type Row = Readonly<Record<string, unknown>>;

export const VIEWS = SHOP_TOPICS.clickstream.name;
const ACTIONS = INTERNAL_TOPICS.userActivity.name;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Where the online store has the views of an item in a task. */
export function totalKey(partition: number, itemId: string): string {
  return `total:${partition}:${itemId}`;
}

/** The topics of {@link viewJob}. */
export function viewTopics(partitions: number): readonly TopicSpec[] {
  const names = [VIEWS, ACTIONS].flatMap((topic) => [topic, lateTopic(topic), deadLetterTopic(topic)]);
  return names.map((topic) => ({ topic, partitions }));
}

/** Views to facts, totals and counts by item in each task, and over an internal topic to counts by device. */
export function viewJob(graceMs: number): readonly Subtopology[] {
  const app = topology('views');
  const window = tumbling({ sizeMs: MINUTE_MS, graceMs });
  const toMinutes = (table: string) =>
    toWindowTable<WindowResult<{ count: number }>>(table, ({ key, windowStartMs, value, reason }) => ({
      window_start: windowStartMs,
      key,
      count: value.count,
      reason,
    }));
  const views = app
    .events(VIEWS, { subtopology: 'views', deduplicated: true })
    .filter(isOneOf('ProductViewed'));
  views.to(toFacts('clicks', ({ eventId: id, itemId }) => ({ event_id: id, item_id: itemId })));
  views
    .keyLocallyBy('itemId')
    .window(window)
    .aggregate('item-minute', { count: count() }, onUpdate())
    .to(toMinutes('item_minute'));
  views.process<UserActed>('totals', actedOn).to(toEvents(ACTIONS));
  app
    .events(ACTIONS, { subtopology: 'actions' })
    .window(window)
    .aggregate('device-minute', { count: count() }, onUpdate())
    .to(toMinutes('device_minute'));
  return app.build().subtopologies;
}

/** Keeps totals by item and task, and tells of each view under its device. */
function actedOn(context: NodeContext, emit: Push<UserActed>): Push<ProductViewed> {
  const totals = context.store<number>('totals');
  context.onlineView(totals, {
    key: (itemId) => totalKey(context.partition, itemId),
    value: String,
    ttlMs: DAY_MS,
  });
  return ({ itemId, anonymousId, eventTime }, meta) => {
    const total = (totals.get(itemId) ?? 0) + 1;
    totals.set(itemId, total);
    const eventId = context.newId();
    const acted = shopEvent('UserActed', { eventId, userId: anonymousId, itemId, eventTime });
    emit({ ...acted, ingestTime: context.now() }, { ...meta, key: anonymousId });
  };
}

/** A list of views that is the same each time: event times rise with some disorder, every fifteenth is a duplicate. */
export function viewStream(count: number, options: { readonly stepMs: number; readonly disorderMs: number }) {
  let seed = 1234;
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const events: ProductViewed[] = [];
  for (let n = 0; n < count; n++) {
    const earlier = events[Math.floor(random() * events.length)];
    if (n % 15 === 14 && earlier !== undefined) {
      events.push(earlier);
      continue;
    }
    const eventTime = T0 + n * options.stepMs - Math.floor(random() * options.disorderMs);
    events.push(
      viewOf(`item-${Math.floor(random() * 7)}`, Math.max(T0, eventTime), {
        eventId: eventId(1_000_000 + n),
        anonymousId: `device-${Math.floor(random() * 40)}`,
      }),
    );
  }
  return events;
}

/** The record of a view; its device decides the partition. */
export function viewRecord(event: ProductViewed): ProduceRecord {
  return { topic: VIEWS, key: event.anonymousId, value: encodeEvent(event), timestampMs: event.ingestTime };
}

/** What the windows must hold at the end: each eventId once. */
export function countViews(
  events: readonly ProductViewed[],
  keyOf: (event: ProductViewed) => string,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const event of new Map(events.map((view) => [view.eventId, view])).values()) {
    const start = Math.floor(event.eventTime / MINUTE_MS) * MINUTE_MS;
    const window = `${(start - T0) / MINUTE_MS} ${keyOf(event)}`;
    counts.set(window, (counts.get(window) ?? 0) + 1);
  }
  return counts;
}

/** What a reader of the window table sees: the highest version of each key and partition, summed over partitions. */
export function latestCounts(rows: readonly Row[]): ReadonlyMap<string, number> {
  const latest = new Map<string, Row>();
  for (const row of rows) {
    const id = `${String(row['window_start'])}|${String(row['key'])}|${String(row['partition'])}`;
    const known = latest.get(id);
    if (known === undefined || Number(row['version']) > Number(known['version'])) latest.set(id, row);
  }
  const counts = new Map<string, number>();
  for (const row of latest.values()) {
    const window = `${(Number(row['window_start']) - T0) / MINUTE_MS} ${String(row['key'])}`;
    counts.set(window, (counts.get(window) ?? 0) + Number(row['count']));
  }
  return counts;
}

/** Facts as a reader sees them: one for each place in the log, `partition|offset` to eventId. */
export function factsByPlace(rows: readonly Row[]): ReadonlyMap<string, string> {
  return new Map(
    rows.map((row) => [`${String(row['_partition'])}|${String(row['_offset'])}`, String(row['event_id'])]),
  );
}
