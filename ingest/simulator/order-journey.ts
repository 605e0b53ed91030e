/** What follows when somebody submits a checkout: order, payment, parcel, and sometimes the way back. */
import type {
  BusinessMode,
  Channel,
  Money,
  OrderLine,
  PaymentMethod,
} from '../../schemas/generated/events.ts';
import type { Item, Seller } from './catalogue.ts';
import { priceIn } from './markets.ts';
import { planParcel } from './parcel-journey.ts';
import { paymentFields, type PaymentFields } from './payment-draft.ts';
import type { EventDraft, PlannedEvent, Planner } from './planned-event.ts';
import type { Random } from '../../platform/random.ts';
import type { ShopSettings } from './shop-options.ts';
import type { Card, Visitor } from './visitors.ts';

export interface Purchase {
  readonly orderId: string;
  readonly atMs: number;
  readonly visitor: Visitor;
  readonly channel: Channel;
  readonly seller: Seller;
  /** Items of the seller, each once. */
  readonly items: readonly { readonly item: Item; readonly quantity: number }[];
  /** The parcel of this order gets stuck. */
  readonly stuck: boolean;
}

export interface JourneyTools {
  readonly random: Random;
  readonly planner: Planner;
  readonly settings: ShopSettings;
}

const FIRST_PAYMENT_FAILS = 0.06;
const GIVES_UP = 0.3;
const HELD = 0.03;
const RETURNED = 0.05;
const CHARGED_BACK = 0.004;
const CARD_METHODS: ReadonlySet<PaymentMethod> = new Set(['card', 'debitCard', 'unionPay']);
const FAILURES = ['insufficient_funds', 'do_not_honour', 'authentication_failed'] as const;

/** Every event of the order to come. Takes a card of the visitor out of use for as long as it could be counted. */
export function planOrder(purchase: Purchase, tools: JourneyTools): readonly PlannedEvent[] {
  const journey = startJourney(purchase, tools);
  const { card } = journey;
  place(journey, purchase);
  if (pay(journey, tools)) ship(journey, purchase, tools);
  if (card !== undefined) {
    card.freeFromMs = journey.atMs + tools.settings.outOfOrderMs + tools.settings.cardBurstWindowMs;
  }
  return journey.events;
}

/** An order on its way: `step` moves its time, `add` plans an event at it. */
interface Journey {
  readonly orderId: string;
  readonly lines: readonly OrderLine[];
  readonly total: Money;
  readonly card: Card | undefined;
  /** The payment that is made in the end, and a new try for each that fails. */
  readonly payment: PaymentFields;
  readonly failedPayment: () => PaymentFields;
  readonly events: PlannedEvent[];
  atMs: number;
  readonly step: () => number;
  readonly add: (draft: EventDraft) => void;
}

function startJourney(purchase: Purchase, { random, planner, settings }: JourneyTools): Journey {
  const { orderId, visitor } = purchase;
  const { market, anonymousId, ipPrefix } = visitor;
  const lines = linesOf(purchase);
  const amountMinor = lines.reduce((sum, line) => sum + line.unitPrice.amountMinor * line.quantity, 0);
  const amount = { amountMinor, currency: market.currency };
  const { method, card } = choosePayment(purchase, random);
  const cardFingerprint = card?.fingerprint ?? null;
  const newPayment = () => {
    const paymentId = planner.id('payment');
    const facts = { orderId, paymentId, amount, method, cardFingerprint, deviceId: anonymousId, ipPrefix };
    return paymentFields(facts, market);
  };
  const journey: Journey = {
    orderId,
    lines,
    total: amount,
    card,
    payment: newPayment(),
    failedPayment: newPayment,
    events: [],
    atMs: purchase.atMs,
    step: () => (journey.atMs += settings.orderStepMs * random.between(0.5, 1.5)),
    add: (draft) => journey.events.push(planner.plan(journey.atMs, draft)),
  };
  return journey;
}

function place({ orderId, lines, total, add }: Journey, { visitor, channel, seller }: Purchase): void {
  add({
    type: 'OrderPlaced',
    orderId,
    anonymousId: visitor.anonymousId,
    buyerId: visitor.userId ?? `guest-${visitor.anonymousId}`,
    sellerId: seller.sellerId,
    mode: modeOf(visitor, seller),
    channel,
    lines,
    total,
  });
}

/** From the first try to the money, or to the end of the order: false. */
function pay({ orderId, payment, failedPayment, step, add }: Journey, { random }: JourneyTools): boolean {
  if (random.chance(FIRST_PAYMENT_FAILS)) {
    step();
    add({ type: 'PaymentFailed', ...failedPayment(), reason: random.pick(FAILURES) });
    if (random.chance(GIVES_UP)) {
      step();
      add({ type: 'OrderCancelled', orderId, reason: 'payment failed' });
      return false;
    }
  }
  step();
  add({ type: 'PaymentAuthorised', ...payment });
  if (random.chance(HELD)) {
    step();
    add({ type: 'OrderHeld', orderId, reason: 'amount above the usual' });
  }
  step();
  add({ type: 'OrderConfirmed', orderId });
  step();
  add({ type: 'PaymentCaptured', ...payment, installments: random.pick([1, 1, 1, 3, 6]) });
  return true;
}

/** The parcel, and what comes after it. */
function ship(journey: Journey, { visitor, seller, stuck }: Purchase, tools: JourneyTools): void {
  const { orderId, payment, total, step, add } = journey;
  const { random, planner, settings } = tools;
  const way = { orderId, fromMs: step(), from: seller.market, to: visitor.market, stuck };
  const parcel = planParcel(way, random, planner, settings);
  journey.events.push(...parcel.events);
  if (parcel.deliveredMs === undefined) return;
  journey.atMs = parcel.deliveredMs;
  step();
  add({ type: 'OrderCompleted', orderId });
  if (random.chance(RETURNED)) {
    step();
    add({
      type: 'OrderReturned',
      orderId,
      itemIds: journey.lines.map(({ itemId }) => itemId),
      refund: total,
    });
    step();
    add({ type: 'PaymentRefunded', ...payment, reason: 'goods returned' });
  } else if (journey.card !== undefined && random.chance(CHARGED_BACK)) {
    step();
    add({ type: 'PaymentChargedBack', ...payment, reason: 'not recognised' });
  }
}

function linesOf({ items, visitor }: Purchase): readonly OrderLine[] {
  return items.map(({ item, quantity }) => ({
    itemId: item.itemId,
    quantity,
    unitPrice: priceIn(visitor.market, item.euroCents),
  }));
}

function modeOf(visitor: Visitor, seller: Seller): BusinessMode {
  if (seller.isPrivate) return 'c2c';
  if (visitor.segment === 'government') return 'b2g';
  if (visitor.segment === 'business') return 'b2b';
  return seller.market.country === visitor.market.country ? 'b2c' : 'crossBorder';
}

/** Where every card of the visitor was used lately, the order is paid without one. */
function choosePayment(
  { visitor, atMs }: Purchase,
  random: Random,
): { readonly method: PaymentMethod; readonly card: Card | undefined } {
  const method = random.pick(visitor.market.methods);
  if (!CARD_METHODS.has(method)) return { method, card: undefined };
  const card = visitor.cards.find(({ freeFromMs }) => freeFromMs <= atMs);
  return card === undefined ? { method: 'bankTransfer', card } : { method, card };
}
