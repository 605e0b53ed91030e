/**
 * What the tables of windows and of states must hold, recomputed from the events alone: plain sums over all of them, with
 * nothing of the stream engine. Every figure is named as its column.
 */
import type { IngestedEvent } from '../../../../ingest/public-event.ts';

/** A row of a table by its key: the columns joined by `|`. */
export type Figures = Readonly<Record<string, number>>;
export type Table = Map<string, Record<string, number>>;

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

function add(table: Table, key: string, figures: Figures): void {
  const row = table.get(key) ?? {};
  for (const [name, value] of Object.entries(figures)) row[name] = (row[name] ?? 0) + value;
  table.set(key, row);
}

const minuteOf = ({ eventTime }: IngestedEvent) => Math.floor(eventTime / MINUTE_MS) * MINUTE_MS;

/** @param missed eventIds whose minute was closed */
export function shopMinutes(events: readonly IngestedEvent[], missed: ReadonlySet<string>): Table {
  const table: Table = new Map();
  for (const event of events) {
    const figures = shopFigures(event);
    if (figures === undefined || missed.has(event.eventId)) continue;
    add(table, `${minuteOf(event)}|${(event as { channel: string }).channel}`, figures);
  }
  return table;
}

function isPerson(event: IngestedEvent): boolean {
  return 'bot' in event && !event.bot && !event.internal;
}

function shopFigures(event: IngestedEvent): Figures | undefined {
  if (!isPerson(event)) return undefined;
  switch (event.type) {
    case 'PageViewed':
    case 'ListViewed':
      return { page_views: 1 };
    case 'ProductViewed':
      return { product_views: 1 };
    case 'SearchPerformed':
      return { searches: 1 };
    case 'CartChanged':
      return event.quantityDelta > 0 ? { cart_adds: 1 } : undefined;
    case 'CheckoutStepped':
      return event.step === 'started' ? { checkouts: 1 } : undefined;
    case 'RecommendationClicked':
      return { recommendation_clicks: 1 };
    default:
      return undefined;
  }
}

/** @param missed eventIds whose minute was closed */
export function itemMinutes(events: readonly IngestedEvent[], missed: ReadonlySet<string>): Table {
  const table: Table = new Map();
  for (const event of events) {
    if (!isPerson(event) || missed.has(event.eventId)) continue;
    if (event.type === 'ProductViewed') add(table, `${minuteOf(event)}|${event.itemId}`, { views: 1 });
    else if (event.type === 'CartChanged' && event.quantityDelta > 0)
      add(table, `${minuteOf(event)}|${event.itemId}`, { cart_adds: 1 });
  }
  return table;
}

/** @param missed eventIds whose minute was closed */
export function salesMinutes(events: readonly IngestedEvent[], missed: ReadonlySet<string>): Table {
  const table: Table = new Map();
  for (const event of events) {
    if (missed.has(event.eventId)) continue;
    const row = (currency: string, figures: Figures) => add(table, `${minuteOf(event)}|${currency}`, figures);
    if (event.type === 'OrderPlaced')
      row(event.total.currency, { orders: 1, ordered_minor: event.total.amountMinor });
    else if (event.type === 'PaymentCaptured')
      row(event.amount.currency, { captured_payments: 1, captured_minor: event.amount.amountMinor });
    else if (event.type === 'PaymentFailed') row(event.amount.currency, { failed_payments: 1 });
    else if (event.type === 'PaymentRefunded')
      row(event.amount.currency, { refunded_minor: event.amount.amountMinor });
  }
  return table;
}

/** Sales by the channel and mode of the order, whenever payment and order came: late ones correct their window. */
export function channelSales(events: readonly IngestedEvent[], size: 'minute' | 'day'): Table {
  const table: Table = new Map();
  const places = new Map<string, string>();
  for (const event of events)
    if (event.type === 'OrderPlaced') places.set(event.orderId, `${event.channel}|${event.mode}`);
  const sizeMs = size === 'minute' ? MINUTE_MS : DAY_MS;
  for (const event of events) {
    const sale = saleOf(event);
    if (sale === undefined) continue;
    const start = Math.floor(event.eventTime / sizeMs) * sizeMs;
    add(table, `${start}|${sale.currency}|${places.get(sale.orderId) ?? '|'}`, sale.figures);
  }
  return table;
}

function saleOf(event: IngestedEvent) {
  switch (event.type) {
    case 'OrderPlaced': {
      const { orderId, total } = event;
      const figures: Figures = { orders: 1, ordered_minor: total.amountMinor };
      return { orderId, currency: total.currency, figures };
    }
    case 'PaymentCaptured':
    case 'PaymentRefunded':
    case 'PaymentChargedBack':
    case 'PaymentFailed': {
      const { orderId, amount, type } = event;
      return { orderId, currency: amount.currency, figures: PAYMENT_FIGURES[type](amount.amountMinor) };
    }
    default:
      return undefined;
  }
}

const PAYMENT_FIGURES = {
  PaymentCaptured: (minor: number): Figures => ({ captured_payments: 1, captured_minor: minor }),
  PaymentRefunded: (minor: number): Figures => ({ refunds: 1, refunded_minor: minor }),
  PaymentChargedBack: (minor: number): Figures => ({ charge_backs: 1, charged_back_minor: minor }),
  PaymentFailed: (): Figures => ({ failed_payments: 1 }),
} as const;

interface Periods {
  readonly granularity: 'month' | 'week';
  /** Number of the period that holds a time, in UTC. */
  readonly numberOf: (timeMs: number) => number;
  readonly firstDay: (number: number) => string;
}

const isoDay = (timeMs: number) => new Date(timeMs).toISOString().slice(0, 10);
const PERIODS: readonly Periods[] = [
  {
    granularity: 'month',
    numberOf: (timeMs) => {
      const date = new Date(timeMs);
      return date.getUTCFullYear() * 12 + date.getUTCMonth();
    },
    firstDay: (number) => isoDay(Date.UTC(Math.floor(number / 12), number % 12, 1)),
  },
  {
    // Day 4 of 1970 was the first Monday.
    granularity: 'week',
    numberOf: (timeMs) => Math.floor((Math.floor(timeMs / DAY_MS) - 4) / 7),
    firstDay: (number) => isoDay((number * 7 + 4) * DAY_MS),
  },
];

/** Buyers and orders by the month and week of a buyer's first order, and the periods since. */
export function cohorts(events: readonly IngestedEvent[]): Table {
  const table: Table = new Map();
  const orders = events.flatMap((event) => (event.type === 'OrderPlaced' ? [event] : []));
  for (const { granularity, numberOf, firstDay } of PERIODS) {
    const byBuyer = new Map<string, number[]>();
    for (const { buyerId, eventTime } of orders)
      byBuyer.set(buyerId, [...(byBuyer.get(buyerId) ?? []), numberOf(eventTime)]);
    for (const numbers of byBuyer.values()) {
      const first = Math.min(...numbers);
      for (const number of new Set(numbers)) {
        const count = numbers.filter((other) => other === number).length;
        add(table, `${granularity}|${firstDay(first)}|${number - first}`, { buyers: 1, orders: count });
      }
    }
  }
  return table;
}

/** The last state of each item and user, by the order in which the producer decided on them. */
export function lastStates(events: readonly IngestedEvent[]) {
  const items = new Map<string, Extract<IngestedEvent, { type: 'ItemUpserted' }>>();
  const users = new Map<string, Extract<IngestedEvent, { type: 'UserUpserted' }>>();
  for (const event of events) {
    if (event.type === 'ItemUpserted') items.set(event.itemId, event);
    else if (event.type === 'UserUpserted') users.set(event.userId, event);
  }
  return { items, users };
}
