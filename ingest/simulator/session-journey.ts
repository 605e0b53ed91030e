/** One visit: pages, lists, searches, products, a cart, sometimes an order. */
import type { Channel } from '../../schemas/generated/events.ts';
import type { Catalogue, Item } from './catalogue.ts';
import { priceIn } from './markets.ts';
import { planOrder, type JourneyTools } from './order-journey.ts';
import type { EventDraft, PlannedEvent } from './planned-event.ts';
import { createWeighted } from '../../platform/random.ts';
import type { Visitor } from './visitors.ts';

export interface VisitTools extends JourneyTools {
  readonly catalogue: Catalogue;
  /** Called for each order; true: its parcel gets stuck. */
  readonly getsStuck: () => boolean;
}

type ClickDraft = Extract<EventDraft, { sessionId: string | null }>;
type VisitorFields =
  | 'anonymousId'
  | 'userId'
  | 'sessionId'
  | 'device'
  | 'referrer'
  | 'channel'
  | 'bot'
  | 'internal';
type PageDraft = ClickDraft extends infer Draft
  ? Draft extends ClickDraft
    ? Omit<Draft, VisitorFields>
    : never
  : never;

const MEAN_LOOKS = 4;
const BOT = 0.02;
const INTERNAL = 0.01;
const BOT_LOOKS = 12;
const LOGS_IN_EARLY = 0.3;
const OTHER_CATEGORY = 0.15;
const LISTED_ITEMS = 8;
const ADDS_TO_CART = 0.22;
const REMOVES = 0.08;
const CHECKS_OUT = 0.65;
const GIVES_UP_AT_STEP = 0.07;
const CHECKOUT_STEPS = ['started', 'address', 'shipping', 'payment', 'review'] as const;

const drawChannel = createWeighted<Channel>(
  ['web', 'app', 'live', 'social', 'content'],
  (_, rank) => [50, 30, 6, 9, 5][rank] ?? 1,
);
const REFERRERS: Readonly<Record<Channel, readonly (string | null)[]>> = {
  web: [null, 'www.google.com', 'www.bing.com', 'duckduckgo.com'],
  app: [null],
  live: ['live.example.com'],
  social: ['www.instagram.com', 'www.tiktok.com', 'www.facebook.com'],
  content: ['magazine.example.com', 'reviews.example.com'],
};

/** Every event of the visit, and of the order that comes out of it. Marks the visitor as busy and logged in. */
export function planSession(visitor: Visitor, startMs: number, tools: VisitTools): readonly PlannedEvent[] {
  const { random, planner } = tools;
  const channel = drawChannel(random);
  const bot = random.chance(BOT);
  const events: PlannedEvent[] = [];
  const fixed = {
    anonymousId: visitor.anonymousId,
    sessionId: planner.id('session'),
    device: visitor.device,
    referrer: random.pick(REFERRERS[channel]),
    channel,
    bot,
    internal: random.chance(INTERNAL),
  };
  const visit: Visit = {
    visitor,
    bot,
    channel,
    atMs: startMs,
    cart: new Map(),
    add(draft) {
      const userId = visitor.loggedIn ? (visitor.userId ?? null) : null;
      events.push(planner.plan(visit.atMs, { ...fixed, userId, ...draft }));
    },
    think: () => (visit.atMs += Math.max(50, random.exponential(tools.settings.thinkTimeMs))),
    logIn() {
      const { userId } = visitor;
      if (userId === undefined || visitor.loggedIn) return;
      events.push(
        planner.plan(visit.atMs, { type: 'IdentityLinked', anonymousId: visitor.anonymousId, userId }),
      );
      visitor.loggedIn = true;
    },
  };
  if (random.chance(0.6)) visit.add({ type: 'PageViewed', path: '/' });
  if (!bot && random.chance(LOGS_IN_EARLY)) visit.logIn();
  browse(visit, tools);
  if (!bot) events.push(...shop(visit, tools));
  visitor.busyUntilMs = visit.atMs;
  return events;
}

interface Visit {
  readonly visitor: Visitor;
  readonly bot: boolean;
  readonly channel: Channel;
  readonly cart: Map<Item, number>;
  atMs: number;
  add(draft: PageDraft): void;
  think(): void;
  logIn(): void;
}

function browse(visit: Visit, tools: VisitTools): void {
  const { random, catalogue } = tools;
  const { visitor } = visit;
  const looks = visit.bot ? BOT_LOOKS : 1 + Math.floor(random.exponential(MEAN_LOOKS));
  let category = visitor.drawCategory(random);
  for (let look = 0; look < looks; look++) {
    if (random.chance(OTHER_CATEGORY)) category = visitor.drawCategory(random);
    const style = visitor.styles.get(category) ?? 0;
    visit.think();
    if (random.chance(0.25)) {
      const items = Array.from(
        { length: LISTED_ITEMS },
        () => catalogue.draw(random, category, style).itemId,
      );
      visit.add({ type: 'ListViewed', listId: `category-${category}`, itemIds: [...new Set(items)] });
      visit.think();
    } else if (random.chance(0.15)) {
      visit.add({ type: 'SearchPerformed', query: category, resultCount: random.int(200) });
      visit.think();
    }
    const item = catalogue.draw(random, category, style);
    visit.add({ type: 'ProductViewed', itemId: item.itemId, recommendationId: null });
    if (!visit.bot && random.chance(ADDS_TO_CART)) changeCart(visit, item, random.chance(0.85) ? 1 : 2);
  }
}

function changeCart(visit: Visit, item: Item, quantityDelta: number): void {
  const unitPrice = priceIn(visit.visitor.market, item.euroCents);
  visit.think();
  visit.add({ type: 'CartChanged', itemId: item.itemId, quantityDelta, unitPrice });
  const quantity = (visit.cart.get(item) ?? 0) + quantityDelta;
  if (quantity > 0) visit.cart.set(item, quantity);
  else visit.cart.delete(item);
}

/** From the cart to the order, or not. */
function shop(visit: Visit, tools: VisitTools): readonly PlannedEvent[] {
  const { random } = tools;
  const [oldest] = visit.cart;
  if (oldest !== undefined && random.chance(REMOVES)) changeCart(visit, oldest[0], -oldest[1]);
  if (visit.cart.size === 0 || !random.chance(CHECKS_OUT)) return [];
  return checkOut(visit, tools);
}

function checkOut(visit: Visit, tools: VisitTools): readonly PlannedEvent[] {
  const { random, planner } = tools;
  visit.logIn();
  for (const step of CHECKOUT_STEPS) {
    visit.think();
    visit.add({ type: 'CheckoutStepped', step, orderId: null });
    if (random.chance(GIVES_UP_AT_STEP)) return [];
  }
  const orderId = planner.id('order');
  visit.think();
  visit.add({ type: 'CheckoutStepped', step: 'submitted', orderId });
  const { visitor, channel, atMs, cart } = visit;
  // An order has one seller: that of the first item in the cart. What others sell stays there.
  const [first] = cart.keys();
  if (first === undefined) return [];
  const { seller } = first;
  const items = [...cart]
    .map(([item, quantity]) => ({ item, quantity }))
    .filter(({ item }) => item.seller === seller);
  return planOrder({ orderId, atMs, visitor, channel, seller, items, stuck: tools.getsStuck() }, tools);
}
