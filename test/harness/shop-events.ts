import type {
  CartChanged,
  EventOf,
  MillraceEvent,
  OrderPlaced,
  PaymentCaptured,
  ProductViewed,
  RecordName,
  ShipmentScanned,
} from '../../schemas/generated/events.ts';

/** A round hour, so that windows of a minute are easy to read. */
export const T0 = 1_767_225_600_000;

/** A UUID that tells its number. */
export function eventId(number: number): string {
  return `01890000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
}

let ids = 0;

const ENVELOPE = () => ({
  eventId: eventId(++ids),
  eventTime: T0,
  ingestTime: T0,
  source: 'test',
  traceparent: null,
});
const CLICK = {
  anonymousId: 'device-1',
  userId: null,
  sessionId: 's-1',
  device: 'mobile',
  referrer: null,
  channel: 'web',
  bot: false,
  internal: false,
} as const;
const PAYMENT = {
  orderId: 'order-1',
  paymentId: 'payment-1',
  amount: { amountMinor: 1000, currency: 'EUR' },
  method: 'card',
  provider: 'stripe',
  cardFingerprint: 'card-1',
  deviceId: null,
  ipPrefix: null,
  fx: null,
} as const;
const SHIPMENT = { orderId: 'order-1', shipmentId: 'parcel-1', carrier: 'DHL' } as const;

/** The fields of each record that say what it is about; what a test does not name is as plain as can be. */
const SAMPLES = {
  PageViewed: { ...CLICK, path: '/' },
  ProductViewed: { ...CLICK, itemId: 'item-1', recommendationId: null },
  ListViewed: { ...CLICK, listId: 'shoes', itemIds: ['item-1', 'item-2'] },
  SearchPerformed: { ...CLICK, query: 'boots', resultCount: 3 },
  CartChanged: { ...CLICK, itemId: 'item-1', quantityDelta: 1, unitPrice: null },
  CheckoutStepped: { ...CLICK, step: 'started', orderId: null },
  RecommendationImpressed: { ...CLICK, recommendationId: 'rec-1', itemIds: ['item-1'] },
  RecommendationClicked: { ...CLICK, recommendationId: 'rec-1', itemId: 'item-1', position: 0 },
  IdentityLinked: { anonymousId: 'device-1', userId: 'user-1' },
  OrderPlaced: {
    orderId: 'order-1',
    anonymousId: 'device-1',
    buyerId: 'user-1',
    sellerId: 'seller-1',
    mode: 'b2c',
    channel: 'web',
    lines: [{ itemId: 'item-1', quantity: 1, unitPrice: { amountMinor: 1000, currency: 'EUR' } }],
    total: { amountMinor: 1000, currency: 'EUR' },
  },
  OrderHeld: { orderId: 'order-1', reason: 'review' },
  OrderConfirmed: { orderId: 'order-1' },
  OrderCancelled: { orderId: 'order-1', reason: 'customer' },
  OrderCompleted: { orderId: 'order-1' },
  OrderReturned: {
    orderId: 'order-1',
    itemIds: ['item-1'],
    refund: { amountMinor: 1000, currency: 'EUR' },
  },
  PaymentAuthorised: PAYMENT,
  PaymentCaptured: { ...PAYMENT, installments: 1 },
  PaymentFailed: { ...PAYMENT, reason: 'insufficient funds' },
  PaymentRefunded: { ...PAYMENT, reason: 'returned' },
  PaymentChargedBack: { ...PAYMENT, reason: 'fraud' },
  ShipmentCreated: {
    ...SHIPMENT,
    service: 'express',
    origin: 'Leipzig',
    destination: 'Berlin',
    promisedTime: null,
  },
  ShipmentScanned: {
    ...SHIPMENT,
    status: 'inTransit',
    place: 'Leipzig',
    latitude: null,
    longitude: null,
    temperatureCelsius: null,
  },
  ShipmentDelivered: { ...SHIPMENT, place: 'Berlin' },
  ShipmentFailed: { ...SHIPMENT, reason: 'damaged', place: null },
  ItemUpserted: {
    itemId: 'item-1',
    title: 'Shoes',
    category: 'shoes',
    brand: null,
    price: { amountMinor: 1000, currency: 'EUR' },
    sellerId: 'seller-1',
    active: true,
  },
  UserUpserted: { userId: 'user-1', country: 'DE', segment: 'new' },
  RecommendationsServed: {
    recommendationId: 'rec-1',
    anonymousId: 'device-1',
    userId: null,
    items: [{ itemId: 'item-1', position: 0, propensity: 1, reason: 'trending' }],
    modelVersion: 'm1',
    experiment: null,
    latencyMicros: 900,
  },
  RiskDecided: { entityId: 'order-1', outcome: 'allow', score: 0.1, reasons: ['low'], modelVersion: 'm1' },
  AlertRaised: {
    alertId: eventId(1),
    entityId: 'card-1',
    entityType: 'card',
    kind: 'card-velocity-burst',
    severity: 'warning',
    summary: 'many payments',
    firstEventTime: T0,
    lastEventTime: T0,
    evidence: ['payment-1'],
  },
  VisitorPurchased: { anonymousId: 'device-1', itemId: 'item-1' },
  UserActed: { userId: 'user-1', itemId: 'item-1', action: 'viewed' },
  ItemActivity: { itemId: 'item-1', views: 1, carts: 0, purchases: 0, neighbours: [] },
  CardPayment: {
    cardFingerprint: 'card-1',
    paymentId: 'payment-1',
    orderId: 'order-1',
    amount: { amountMinor: 1000, currency: 'EUR' },
    failed: false,
  },
  TrendingCandidates: { partition: 0, items: [] },
} as const satisfies {
  readonly [Name in RecordName]?: Omit<EventOf<Name>, keyof ReturnType<typeof ENVELOPE> | 'type'>;
};

type Sampled = keyof typeof SAMPLES;

/** An event of a type, with an eventId of its own; `ingestTime` follows `eventTime` where only that is given. */
export function shopEvent<Name extends Sampled>(
  type: Name,
  fields: Partial<Omit<EventOf<Name>, 'type'>> = {},
): EventOf<Name> {
  const times = fields.eventTime === undefined ? {} : { ingestTime: fields.eventTime };
  return { type, ...ENVELOPE(), ...SAMPLES[type], ...times, ...fields } as unknown as EventOf<Name>;
}

/** One event of each type that has a sample. */
export function sampleEvents(): readonly MillraceEvent[] {
  return (Object.keys(SAMPLES) as Sampled[]).map((type) => shopEvent(type));
}

export const viewOf = (itemId: string, eventTime: number, fields: Partial<ProductViewed> = {}) =>
  shopEvent('ProductViewed', { itemId, eventTime, ...fields });
export const cartOf = (itemId: string, eventTime: number, fields: Partial<CartChanged> = {}) =>
  shopEvent('CartChanged', { itemId, eventTime, ...fields });
export const orderOf = (orderId: string, eventTime: number, fields: Partial<OrderPlaced> = {}) =>
  shopEvent('OrderPlaced', { orderId, eventTime, ...fields });
export const captureOf = (paymentId: string, eventTime: number, fields: Partial<PaymentCaptured> = {}) =>
  shopEvent('PaymentCaptured', { paymentId, eventTime, ...fields });
export const scanOf = (shipmentId: string, eventTime: number, fields: Partial<ShipmentScanned> = {}) =>
  shopEvent('ShipmentScanned', { shipmentId, eventTime, ...fields });
