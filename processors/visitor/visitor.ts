/**
 * Sub-topology `visitor`, keyed by device: click facts, metrics by minute, recent history and what it says of items.
 */
import type {
  ClickstreamEvent,
  IdentityLinked,
  ItemAction,
  ItemActivity,
  UserActed,
  VisitorPurchased,
} from '../../schemas/generated/events.ts';
import { historyKey, TTL_MS } from '../../schemas/keys.ts';
import { INTERNAL_TOPICS, SHOP_TOPICS } from '../../schemas/topics.ts';
import { bought, historyValue, NO_HISTORY, viewed, type VisitorState } from '../history/history.ts';
import { internalMeta } from '../internal-event.ts';
import { ItemActivityBuffer } from '../items/item-activity-buffer.ts';
import { itemActivities, itemActivitySink } from '../items/item-activity-output.ts';
import { isOneOf, toFacts, type NodeContext, type Push, type TopologyBuilder } from '../runtime/dsl/index.ts';
import type { OnlineView } from '../runtime/online/online-view.ts';
import type { KeyedStore } from '../runtime/state/keyed-store.ts';
import { DROP } from '../runtime/step-result.ts';
import { userActed, userActivitySink } from '../user/user-activity-output.ts';
import { clickFact } from './click-fact.ts';
import { minuteWindows } from './minute-windows.ts';

const MAX_VISITORS_PER_TASK = 500_000;
const SUBTOPOLOGY = 'visitor';

/** How every job reads the clickstream: by the tasks of the visitors. */
export function clickstream(app: TopologyBuilder) {
  return app.events(SHOP_TOPICS.clickstream.name, { subtopology: SUBTOPOLOGY, deduplicated: true });
}

/** What visitors say of items and users. */
type Said = ItemActivity | UserActed;
type Heard = ClickstreamEvent | IdentityLinked | VisitorPurchased;

/** @param options `graceMs`: how long after its end a minute still takes events */
export function visitorJob(app: TopologyBuilder, options: { readonly graceMs: number }): void {
  app.retire(SUBTOPOLOGY, 'shop-minute', 'item-minute');
  const clicks = clickstream(app);
  clicks.to(toFacts('clicks', clickFact));
  // Robots and the shop's own people are facts, but neither demand nor taste.
  const people = clicks.filter(({ bot, internal }) => !bot && !internal);
  const links = app.events(SHOP_TOPICS.identityLinks.name, { subtopology: SUBTOPOLOGY, deduplicated: true });
  const purchases = app.events(INTERNAL_TOPICS.visitorPurchases.name, { subtopology: SUBTOPOLOGY });
  const said = people
    .merge(links)
    .merge(purchases)
    .process<Said>('histories', (context, emit) => new Visitors(context, emit));
  said.filter(isOneOf('ItemActivity')).to(itemActivitySink);
  said.filter(isOneOf('UserActed')).to(userActivitySink);
  minuteWindows(people, options.graceMs);
}

/** Recent histories by device, and what views and purchases say of items and users. */
class Visitors {
  readonly #context: NodeContext;
  readonly #emit: Push<Said>;
  readonly #visitors: KeyedStore<VisitorState>;
  readonly #histories: OnlineView;
  readonly #items = new ItemActivityBuffer();

  constructor(context: NodeContext, emit: Push<Said>) {
    this.#context = context;
    this.#emit = emit;
    this.#visitors = context.store<VisitorState>('visitors', { maxEntries: MAX_VISITORS_PER_TASK });
    this.#histories = context.onlineView(this.#visitors, {
      key: (id) => historyKey({ kind: 'a', id }),
      value: historyValue,
      ttlMs: TTL_MS.history,
    });
  }

  readonly process: Push<Heard> = (event) => {
    switch (event.type) {
      case 'ProductViewed':
        this.#viewed(event);
        return;
      case 'CartChanged':
        if (event.quantityDelta > 0) this.#items.carted(event.itemId, event.eventTime);
        return;
      case 'VisitorPurchased':
        this.#remember(event.anonymousId, bought(this.#stateOf(event), event.itemId, event.eventTime));
        return;
      case 'IdentityLinked':
        this.#linked(event);
        return;
      case 'PageViewed':
      case 'ListViewed':
      case 'SearchPerformed':
      case 'CheckoutStepped':
      case 'RecommendationImpressed':
      case 'RecommendationClicked':
    }
  };

  readonly beforeCommit = (): void => {
    for (const activity of itemActivities(this.#context, this.#items.take()))
      this.#emit(activity, internalMeta(activity));
  };

  #stateOf({ anonymousId }: { readonly anonymousId: string }): VisitorState {
    return this.#visitors.get(anonymousId) ?? NO_HISTORY;
  }

  #viewed(event: ClickstreamEvent & { readonly type: 'ProductViewed' }): void {
    const before = this.#stateOf(event);
    this.#items.viewed(event.itemId, event.eventTime, before.viewed);
    this.#remember(event.anonymousId, viewed(before, event.itemId, event.eventTime), event.ingestTime);
    if (event.userId !== null)
      this.#tellUser(event.userId, { itemId: event.itemId, action: 'viewed' }, event);
  }

  /** The device's history becomes the user's, once; a second link to another user is ignored. */
  #linked(event: IdentityLinked): void {
    const before = this.#stateOf(event);
    if (before.linkedUserId !== undefined) {
      this.#context.report(DROP);
      return;
    }
    this.#visitors.set(event.anonymousId, { ...before, linkedUserId: event.userId });
    for (const { itemId, atMs } of before.viewed)
      this.#tellUser(event.userId, { itemId, action: 'viewed' }, { ...event, eventTime: atMs });
    for (const { itemId, atMs } of before.bought)
      this.#tellUser(event.userId, { itemId, action: 'bought' }, { ...event, eventTime: atMs });
  }

  #remember(anonymousId: string, state: VisitorState, acceptedAtMs?: number): void {
    this.#visitors.set(anonymousId, state);
    if (acceptedAtMs !== undefined) this.#histories.accepted(anonymousId, acceptedAtMs);
  }

  #tellUser(
    userId: string,
    act: { readonly itemId: string; readonly action: ItemAction },
    cause: { readonly eventTime: number; readonly traceparent: string | null },
  ): void {
    const acted = userActed(this.#context, { userId, ...act }, cause);
    this.#emit(acted, internalMeta(acted));
  }
}
