/**
 * Sub-topology `visitor`, keyed by device: click facts, metrics by minute, recent history and what it says of items.
 */
import type {
  ClickstreamEvent,
  IdentityLinked,
  ItemAction,
  VisitorPurchased,
} from '../../schemas/generated/events.ts';
import { historyKey, TTL_MS } from '../../schemas/keys.ts';
import { INTERNAL_TOPICS, SHOP_TOPICS } from '../../schemas/topics.ts';
import { internalEnvelope } from '../internal-event.ts';
import { produceItemActivity } from '../items/item-activity-output.ts';
import type { KeyedStore } from '../runtime/state/keyed-store.ts';
import { DROP, OK, type StepResult } from '../runtime/step-result.ts';
import type { InputRecord, Processor, Subtopology, TaskContext } from '../runtime/topology.ts';
import { clickFact } from './click-fact.ts';
import { ItemActivityBuffer } from '../items/item-activity-buffer.ts';
import { bought, historyValue, NO_HISTORY, viewed, type VisitorState } from '../history/history.ts';
import { minuteWindows } from './minute-windows.ts';

const MAX_VISITORS_PER_TASK = 500_000;

class VisitorProcessor implements Processor {
  readonly #context: TaskContext;
  readonly #visitors: KeyedStore<VisitorState>;
  readonly #items = new ItemActivityBuffer();
  readonly #count: (event: ClickstreamEvent) => StepResult;

  constructor(context: TaskContext, graceMs: number) {
    this.#context = context;
    this.#visitors = context.store<VisitorState>('visitors', { maxEntries: MAX_VISITORS_PER_TASK });
    this.#count = minuteWindows(context, graceMs);
  }

  process(record: InputRecord): StepResult {
    const { event } = record;
    switch (event.type) {
      case 'VisitorPurchased':
        return this.#bought(event);
      case 'IdentityLinked':
        return this.#linked(event);
      case 'PageViewed':
      case 'ProductViewed':
      case 'ListViewed':
      case 'SearchPerformed':
      case 'CartChanged':
      case 'CheckoutStepped':
      case 'RecommendationImpressed':
      case 'RecommendationClicked':
        return this.#clicked(event, record);
      default:
        return DROP;
    }
  }

  beforeCommit(): void {
    produceItemActivity(this.#context, this.#items.take());
  }

  #clicked(event: ClickstreamEvent, record: InputRecord): StepResult {
    this.#context.outputs.fact('clicks', record, clickFact(event));
    // Robots and the shop's own people are facts, but neither demand nor taste.
    if (event.bot || event.internal) return OK;
    if (event.type === 'ProductViewed') {
      const before = this.#visitors.get(event.anonymousId) ?? NO_HISTORY;
      this.#items.viewed(event.itemId, event.eventTime, before.viewed);
      this.#remember(event.anonymousId, viewed(before, event.itemId, event.eventTime), event.ingestTime);
      if (event.userId !== null) this.#tellUser(event.userId, event.itemId, 'viewed', event);
    }
    if (event.type === 'CartChanged' && event.quantityDelta > 0)
      this.#items.carted(event.itemId, event.eventTime);
    return this.#count(event);
  }

  #bought(event: VisitorPurchased): StepResult {
    const before = this.#visitors.get(event.anonymousId) ?? NO_HISTORY;
    this.#remember(event.anonymousId, bought(before, event.itemId, event.eventTime));
    return OK;
  }

  /** The device's history becomes the user's, once; a second link to another user is ignored. */
  #linked(event: IdentityLinked): StepResult {
    const before = this.#visitors.get(event.anonymousId) ?? NO_HISTORY;
    if (before.linkedUserId !== undefined) return DROP;
    this.#visitors.set(event.anonymousId, { ...before, linkedUserId: event.userId });
    for (const { itemId, atMs } of before.viewed)
      this.#tellUser(event.userId, itemId, 'viewed', { ...event, eventTime: atMs });
    for (const { itemId, atMs } of before.bought)
      this.#tellUser(event.userId, itemId, 'bought', { ...event, eventTime: atMs });
    return OK;
  }

  #remember(anonymousId: string, state: VisitorState, acceptedAtMs?: number): void {
    this.#visitors.set(anonymousId, state);
    this.#context.outputs.online(historyKey({ kind: 'a', id: anonymousId }), {
      value: () => historyValue(state),
      ttlMs: TTL_MS.history,
      ...(acceptedAtMs === undefined ? {} : { acceptedAtMs }),
    });
  }

  #tellUser(
    userId: string,
    itemId: string,
    action: ItemAction,
    cause: { eventTime: number; traceparent: string | null },
  ): void {
    this.#context.outputs.produce(INTERNAL_TOPICS.userActivity.name, userId, {
      type: 'UserActed',
      ...internalEnvelope(this.#context, cause),
      userId,
      itemId,
      action,
    });
  }
}

/** @param graceMs how long after its end a minute still takes events */
export function visitorSubtopology(graceMs: number): Subtopology {
  return {
    name: 'visitor',
    inputs: [
      SHOP_TOPICS.clickstream.name,
      SHOP_TOPICS.identityLinks.name,
      INTERNAL_TOPICS.visitorPurchases.name,
    ],
    deduplicated: [SHOP_TOPICS.clickstream.name, SHOP_TOPICS.identityLinks.name],
    create: (context) => new VisitorProcessor(context, graceMs),
  };
}
