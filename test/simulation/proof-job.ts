/**
 * A topology whose every output can be told from its input alone: facts, windows that are updated and windows that
 * close, timers, totals in the online store, an internal topic with windows behind it, duplicates, dead letters, late
 * events.
 */
import { count } from '../../processors/runtime/aggregates/index.ts';
import {
  isOneOf,
  toEvents,
  toFacts,
  topology,
  toTopic,
  toWindowTable,
  type NodeContext,
  type Push,
  type Topology,
} from '../../processors/runtime/dsl/index.ts';
import {
  anyOf,
  onClose,
  onUpdate,
  tumbling,
  type WindowResult,
} from '../../processors/runtime/windows/index.ts';
import type { ProductViewed, UserActed } from '../../schemas/generated/events.ts';
import { INTERNAL_TOPICS, SHOP_TOPICS } from '../../schemas/topics.ts';
import { shopEvent } from '../harness/shop-events.ts';

export const VIEWS = SHOP_TOPICS.clickstream.name;
export const ACTIONS = INTERNAL_TOPICS.userActivity.name;
export const CLOSED = 'proof.closed';
export const FOLLOW_UPS = 'proof.follow-ups';

export const SECOND_MS = 1000;
export const GRACE_MS = 500;
/** How long after the end of its second an item is followed up. */
export const FOLLOW_UP_MS = 1500;
/** A step refuses a view of the one item, and throws on the other. */
export const REFUSED = 'refused';
export const POISON = 'poison';
/** What is viewed behind everything else. */
export const LAST = 'last';

export interface ClosedWindow {
  readonly partition: number;
  readonly item: string;
  readonly startMs: number;
  readonly views: number;
}

export interface FollowUp {
  readonly partition: number;
  readonly item: string;
  readonly startMs: number;
}

export function proofJob(): Topology {
  const app = topology('proof');
  const window = tumbling({ sizeMs: SECOND_MS, graceMs: GRACE_MS });
  const toSeconds = (table: string) =>
    toWindowTable<WindowResult<{ count: number }>>(table, ({ key, windowStartMs, value, reason }) => ({
      window_start: windowStartMs,
      key,
      count: value.count,
      reason,
    }));
  const views = app
    .events(VIEWS, { subtopology: 'views', deduplicated: true })
    .filter(isOneOf('ProductViewed'))
    .process<ProductViewed>('check', checked);
  views.to(toFacts('clicks', ({ eventId, itemId }) => ({ event_id: eventId, item_id: itemId })));
  const local = views.keyLocallyBy('itemId');
  const items = local
    .window(window)
    .aggregate('item-second', { count: count() }, anyOf(onUpdate(), onClose()));
  items.to(toSeconds('item_second'));
  items
    .filter(({ reason }) => reason === 'watermark' || reason === 'idle')
    .process<ClosedWindow>('closed', ({ partition }, emit) => ({ key, windowStartMs, value }, meta) => {
      emit({ partition, item: key, startMs: windowStartMs, views: value.count }, meta);
    })
    .to(toTopic(CLOSED));
  local.process<FollowUp>('follow-up', followedUp).to(toTopic(FOLLOW_UPS));
  local.process<UserActed>('totals', totalled).to(toEvents(ACTIONS));
  app
    .events(ACTIONS, { subtopology: 'actions' })
    .window(window)
    .aggregate('device-second', { count: count() }, onUpdate())
    .to(toSeconds('device_second'));
  return app.build();
}

function checked(context: NodeContext, emit: Push<ProductViewed>): Push<ProductViewed> {
  return (view, meta) => {
    if (view.itemId === POISON) throw new RangeError('a step that throws');
    if (view.itemId !== REFUSED) emit(view, meta);
    else context.report({ kind: 'dead-letter', code: 'MR_PROCESS_INVALID_EVENT', reason: 'refused' });
  };
}

/** Says once for each item and second that there was one, by a timer; what comes too late for that is passed over. */
function followedUp(context: NodeContext, emit: Push<FollowUp>): Push<ProductViewed> {
  const asked = context.store<boolean>('asked');
  const due = context.timers('due', (key, dueMs) => {
    const [item = '', start = ''] = key.split(' ');
    const meta = { key, eventTimeMs: dueMs, ingestTimeMs: context.now(), position: undefined };
    emit({ partition: context.partition, item, startMs: Number(start) }, meta);
  });
  return ({ itemId, eventTime }) => {
    const startMs = Math.floor(eventTime / SECOND_MS) * SECOND_MS;
    const dueMs = startMs + SECOND_MS + FOLLOW_UP_MS;
    const key = `${itemId} ${startMs}`;
    if (dueMs <= context.watermarkMs() || asked.get(key) === true) return;
    asked.set(key, true);
    due.set(key, dueMs);
  };
}

/** Keeps totals by item and task, and tells of each view under its device. */
function totalled(context: NodeContext, emit: Push<UserActed>): Push<ProductViewed> {
  const totals = context.store<number>('totals');
  context.onlineView(totals, {
    key: (itemId) => `total:${context.partition}:${itemId}`,
    value: String,
    ttlMs: 3_600_000,
  });
  return ({ itemId, anonymousId, eventTime }, meta) => {
    const total = (totals.get(itemId) ?? 0) + 1;
    totals.set(itemId, total);
    const eventId = context.newId();
    const acted = shopEvent('UserActed', { eventId, userId: anonymousId, itemId, eventTime });
    emit({ ...acted, ingestTime: context.now() }, { ...meta, key: anonymousId });
  };
}
