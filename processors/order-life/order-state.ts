import type {
  BusinessMode,
  Channel,
  Money,
  OrderPlaced,
  OrdersEvent,
  PaymentsEvent,
  ShipmentsEvent,
} from '../../schemas/generated/events.ts';

/** Parcels of one order; what is said of more of them is passed over. */
export const MAX_PARCELS = 1000;

export type OrderEvent = OrdersEvent | PaymentsEvent | ShipmentsEvent;

/** First and last time of something that may happen more than once, epoch ms. */
export type Times = readonly [firstMs: number, lastMs: number];

/** What happens to the order or its money as a whole. */
export type Step =
  | 'held'
  | 'confirmed'
  | 'authorised'
  | 'captured'
  | 'completed'
  | 'cancelled'
  | 'returned'
  | 'refunded'
  | 'chargedBack';

export interface Placed {
  readonly atMs: number;
  readonly eventId: string;
  readonly buyerId: string;
  readonly sellerId: string;
  readonly channel: Channel;
  readonly mode: BusinessMode;
  readonly total: Money;
}

/** Minor units by currency. */
export type Amounts = Readonly<Record<string, number>>;

/** A parcel of the order: the earliest time of each, and the latest promise. */
export interface Parcel {
  readonly announcedMs?: number;
  /** First scan: from then on the carrier has it. */
  readonly movedMs?: number;
  readonly deliveredMs?: number;
  readonly failedMs?: number;
  readonly promisedMs?: number;
}

/** All that has happened to one order. It is the same in whatever order the events have come. */
export interface OrderState {
  readonly placed?: Placed;
  readonly times: Readonly<Partial<Record<Step, Times>>>;
  readonly authorised: Amounts;
  readonly captured: Amounts;
  readonly refunded: Amounts;
  readonly chargedBack: Amounts;
  /** What was to be given back for returned goods. */
  readonly refundsOwed: Amounts;
  readonly failedPayments: number;
  readonly parcels: Readonly<Record<string, Parcel>>;
  /** Of the latest cancellation. */
  readonly cancelReason?: readonly [atMs: number, reason: string];
  /** The latest event. */
  readonly updatedMs: number;
}

export const NO_ORDER: OrderState = {
  times: {},
  authorised: {},
  captured: {},
  refunded: {},
  chargedBack: {},
  refundsOwed: {},
  failedPayments: 0,
  parcels: {},
  updatedMs: 0,
};

/** The order after an event. Events commute; each must be given once. */
export function withEvent(order: OrderState, event: OrderEvent): OrderState {
  return { ...order, ...changes(order, event), updatedMs: Math.max(order.updatedMs, event.eventTime) };
}

function changes(order: OrderState, event: OrderEvent): Partial<OrderState> {
  switch (event.type) {
    case 'OrderPlaced':
      return { placed: earlierPlaced(order.placed, placedOf(event)) };
    case 'OrderHeld':
      return at(order, 'held', event);
    case 'OrderConfirmed':
      return at(order, 'confirmed', event);
    case 'OrderCompleted':
      return at(order, 'completed', event);
    case 'OrderCancelled':
      return { ...at(order, 'cancelled', event), cancelReason: laterReason(order.cancelReason, event) };
    case 'OrderReturned':
      return { ...at(order, 'returned', event), refundsOwed: plus(order.refundsOwed, event.refund) };
    case 'PaymentFailed':
      return { failedPayments: order.failedPayments + 1 };
    case 'PaymentAuthorised':
      return { ...at(order, 'authorised', event), authorised: plus(order.authorised, event.amount) };
    case 'PaymentCaptured':
      return { ...at(order, 'captured', event), captured: plus(order.captured, event.amount) };
    case 'PaymentRefunded':
      return { ...at(order, 'refunded', event), refunded: plus(order.refunded, event.amount) };
    case 'PaymentChargedBack':
      return { ...at(order, 'chargedBack', event), chargedBack: plus(order.chargedBack, event.amount) };
    case 'ShipmentCreated':
    case 'ShipmentScanned':
    case 'ShipmentDelivered':
    case 'ShipmentFailed': {
      const { parcels } = order;
      const known = Object.hasOwn(parcels, event.shipmentId) ? parcels[event.shipmentId] : undefined;
      if (known === undefined && Object.keys(parcels).length >= MAX_PARCELS) return {};
      return { parcels: { ...parcels, [event.shipmentId]: withShipment(known ?? {}, event) } };
    }
  }
}

function at(order: OrderState, step: Step, { eventTime }: OrderEvent): Pick<OrderState, 'times'> {
  const [firstMs, lastMs] = order.times[step] ?? [eventTime, eventTime];
  return {
    times: { ...order.times, [step]: [Math.min(firstMs, eventTime), Math.max(lastMs, eventTime)] },
  };
}

function plus(amounts: Amounts, { currency, amountMinor }: Money): Amounts {
  return { ...amounts, [currency]: amountIn(amounts, currency) + amountMinor };
}

/** 0 where there is none. */
export function amountIn(amounts: Amounts, currency: string): number {
  return Object.hasOwn(amounts, currency) ? (amounts[currency] ?? 0) : 0;
}

function placedOf(event: OrderPlaced): Placed {
  const { eventTime: atMs, eventId, buyerId, sellerId, channel, mode, total } = event;
  return { atMs, eventId, buyerId, sellerId, channel, mode, total };
}

/** An order is placed once; should it be said twice, the earlier one counts. */
function earlierPlaced(known: Placed | undefined, other: Placed): Placed {
  if (known === undefined || other.atMs < known.atMs) return other;
  return other.atMs === known.atMs && other.eventId < known.eventId ? other : known;
}

function laterReason(
  known: OrderState['cancelReason'],
  { eventTime, reason }: { readonly eventTime: number; readonly reason: string },
): NonNullable<OrderState['cancelReason']> {
  if (known === undefined || known[0] < eventTime) return [eventTime, reason];
  return known[0] === eventTime && known[1] < reason ? [eventTime, reason] : known;
}

function withShipment(parcel: Parcel, event: ShipmentsEvent): Parcel {
  const { eventTime } = event;
  const earlier = (knownMs: number | undefined) => Math.min(knownMs ?? eventTime, eventTime);
  switch (event.type) {
    case 'ShipmentCreated': {
      const { promisedTime } = event;
      return {
        ...parcel,
        announcedMs: earlier(parcel.announcedMs),
        ...(promisedTime === null
          ? {}
          : { promisedMs: Math.max(parcel.promisedMs ?? promisedTime, promisedTime) }),
      };
    }
    case 'ShipmentScanned':
      return { ...parcel, movedMs: earlier(parcel.movedMs) };
    case 'ShipmentDelivered':
      return {
        ...parcel,
        movedMs: earlier(parcel.movedMs),
        deliveredMs: earlier(parcel.deliveredMs),
      };
    case 'ShipmentFailed':
      return { ...parcel, failedMs: earlier(parcel.failedMs) };
  }
}
