// Made from schemas/avro by `npm run generate`; do not edit.

export type Channel = 'web' | 'app' | 'live' | 'social' | 'content';

/** A page without an item was viewed. */
export interface PageViewed {
  readonly type: 'PageViewed';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Device; key of the topic. */
  readonly anonymousId: string;
  /** Pseudonym, when known. */
  readonly userId: null | string;
  /** Session given by the client. */
  readonly sessionId: null | string;
  /** desktop, mobile, tablet or tv. */
  readonly device: null | string;
  /** Host of the referring page. */
  readonly referrer: null | string;
  /** Where in the shop it happened. */
  readonly channel: Channel;
  /** Declared or recognised as a robot. */
  readonly bot: boolean;
  /** Traffic of the shop itself. */
  readonly internal: boolean;
  /** Path without query. */
  readonly path: string;
}

/** The page of an item was viewed. */
export interface ProductViewed {
  readonly type: 'ProductViewed';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Device; key of the topic. */
  readonly anonymousId: string;
  /** Pseudonym, when known. */
  readonly userId: null | string;
  /** Session given by the client. */
  readonly sessionId: null | string;
  /** desktop, mobile, tablet or tv. */
  readonly device: null | string;
  /** Host of the referring page. */
  readonly referrer: null | string;
  /** Where in the shop it happened. */
  readonly channel: Channel;
  /** Declared or recognised as a robot. */
  readonly bot: boolean;
  /** Traffic of the shop itself. */
  readonly internal: boolean;
  /** Item. */
  readonly itemId: string;
  /** Answer of the recommender that led here. */
  readonly recommendationId: null | string;
}

/** A category or other list was viewed. */
export interface ListViewed {
  readonly type: 'ListViewed';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Device; key of the topic. */
  readonly anonymousId: string;
  /** Pseudonym, when known. */
  readonly userId: null | string;
  /** Session given by the client. */
  readonly sessionId: null | string;
  /** desktop, mobile, tablet or tv. */
  readonly device: null | string;
  /** Host of the referring page. */
  readonly referrer: null | string;
  /** Where in the shop it happened. */
  readonly channel: Channel;
  /** Declared or recognised as a robot. */
  readonly bot: boolean;
  /** Traffic of the shop itself. */
  readonly internal: boolean;
  /** List. */
  readonly listId: string;
  /** Items shown, in order. */
  readonly itemIds: readonly string[];
}

/** A search was made. */
export interface SearchPerformed {
  readonly type: 'SearchPerformed';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Device; key of the topic. */
  readonly anonymousId: string;
  /** Pseudonym, when known. */
  readonly userId: null | string;
  /** Session given by the client. */
  readonly sessionId: null | string;
  /** desktop, mobile, tablet or tv. */
  readonly device: null | string;
  /** Host of the referring page. */
  readonly referrer: null | string;
  /** Where in the shop it happened. */
  readonly channel: Channel;
  /** Declared or recognised as a robot. */
  readonly bot: boolean;
  /** Traffic of the shop itself. */
  readonly internal: boolean;
  /** Search text, as normalised by the client. */
  readonly query: string;
  /** Hits. */
  readonly resultCount: number;
}

/** Amount in minor units of an ISO 4217 currency. */
export interface Money {
  /** Minor units, such as cents. */
  readonly amountMinor: number;
  /** ISO 4217 alphabetic code. */
  readonly currency: string;
}

/** An item was put into or taken out of the cart. */
export interface CartChanged {
  readonly type: 'CartChanged';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Device; key of the topic. */
  readonly anonymousId: string;
  /** Pseudonym, when known. */
  readonly userId: null | string;
  /** Session given by the client. */
  readonly sessionId: null | string;
  /** desktop, mobile, tablet or tv. */
  readonly device: null | string;
  /** Host of the referring page. */
  readonly referrer: null | string;
  /** Where in the shop it happened. */
  readonly channel: Channel;
  /** Declared or recognised as a robot. */
  readonly bot: boolean;
  /** Traffic of the shop itself. */
  readonly internal: boolean;
  /** Item. */
  readonly itemId: string;
  /** Positive: added; negative: removed. */
  readonly quantityDelta: number;
  /** Price shown. */
  readonly unitPrice: null | Money;
}

export type CheckoutStep = 'started' | 'address' | 'shipping' | 'payment' | 'review' | 'submitted';

/** A step of the checkout was reached. */
export interface CheckoutStepped {
  readonly type: 'CheckoutStepped';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Device; key of the topic. */
  readonly anonymousId: string;
  /** Pseudonym, when known. */
  readonly userId: null | string;
  /** Session given by the client. */
  readonly sessionId: null | string;
  /** desktop, mobile, tablet or tv. */
  readonly device: null | string;
  /** Host of the referring page. */
  readonly referrer: null | string;
  /** Where in the shop it happened. */
  readonly channel: Channel;
  /** Declared or recognised as a robot. */
  readonly bot: boolean;
  /** Traffic of the shop itself. */
  readonly internal: boolean;
  /** Step. */
  readonly step: CheckoutStep;
  /** Order, once there is one. */
  readonly orderId: null | string;
}

/** Recommended items were seen. */
export interface RecommendationImpressed {
  readonly type: 'RecommendationImpressed';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Device; key of the topic. */
  readonly anonymousId: string;
  /** Pseudonym, when known. */
  readonly userId: null | string;
  /** Session given by the client. */
  readonly sessionId: null | string;
  /** desktop, mobile, tablet or tv. */
  readonly device: null | string;
  /** Host of the referring page. */
  readonly referrer: null | string;
  /** Where in the shop it happened. */
  readonly channel: Channel;
  /** Declared or recognised as a robot. */
  readonly bot: boolean;
  /** Traffic of the shop itself. */
  readonly internal: boolean;
  /** Answer that they came from. */
  readonly recommendationId: string;
  /** Items seen. */
  readonly itemIds: readonly string[];
}

/** A recommended item was clicked. */
export interface RecommendationClicked {
  readonly type: 'RecommendationClicked';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Device; key of the topic. */
  readonly anonymousId: string;
  /** Pseudonym, when known. */
  readonly userId: null | string;
  /** Session given by the client. */
  readonly sessionId: null | string;
  /** desktop, mobile, tablet or tv. */
  readonly device: null | string;
  /** Host of the referring page. */
  readonly referrer: null | string;
  /** Where in the shop it happened. */
  readonly channel: Channel;
  /** Declared or recognised as a robot. */
  readonly bot: boolean;
  /** Traffic of the shop itself. */
  readonly internal: boolean;
  /** Answer that it came from. */
  readonly recommendationId: string;
  /** Item. */
  readonly itemId: string;
  /** Position in the answer, from 0. */
  readonly position: number;
}

/** A device belongs to a user. */
export interface IdentityLinked {
  readonly type: 'IdentityLinked';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Device; key of the topic. */
  readonly anonymousId: string;
  /** Pseudonym. */
  readonly userId: string;
}

export type BusinessMode = 'b2c' | 'c2c' | 'b2b' | 'b2g' | 'crossBorder';

export interface OrderLine {
  /** Item. */
  readonly itemId: string;
  /** Pieces. */
  readonly quantity: number;
  /** Price of one piece. */
  readonly unitPrice: Money;
}

/** An order was placed. */
export interface OrderPlaced {
  readonly type: 'OrderPlaced';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Order; key of the topic. */
  readonly orderId: string;
  /** Device that ordered. */
  readonly anonymousId: null | string;
  /** Pseudonym of the buyer. */
  readonly buyerId: string;
  /** Seller. */
  readonly sellerId: string;
  /** Business mode. */
  readonly mode: BusinessMode;
  /** Channel. */
  readonly channel: Channel;
  /** Lines. */
  readonly lines: readonly OrderLine[];
  /** What is to be paid. */
  readonly total: Money;
}

/** An order waits for a decision. */
export interface OrderHeld {
  readonly type: 'OrderHeld';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Order; key of the topic. */
  readonly orderId: string;
  /** Why. */
  readonly reason: string;
}

/** An order was accepted. */
export interface OrderConfirmed {
  readonly type: 'OrderConfirmed';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Order; key of the topic. */
  readonly orderId: string;
}

/** An order was cancelled. */
export interface OrderCancelled {
  readonly type: 'OrderCancelled';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Order; key of the topic. */
  readonly orderId: string;
  /** Why. */
  readonly reason: string;
}

/** An order was fulfilled. */
export interface OrderCompleted {
  readonly type: 'OrderCompleted';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Order; key of the topic. */
  readonly orderId: string;
}

/** Goods came back. */
export interface OrderReturned {
  readonly type: 'OrderReturned';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Order; key of the topic. */
  readonly orderId: string;
  /** Items returned. */
  readonly itemIds: readonly string[];
  /** What is given back. */
  readonly refund: Money;
}

export type PaymentMethod = 'card' | 'debitCard' | 'alipay' | 'wechatPay' | 'unionPay' | 'bankTransfer' | 'voucher' | 'other';

export interface FxRate {
  /** ISO 4217. */
  readonly reportingCurrency: string;
  /** Reporting units for one unit paid. */
  readonly rate: number;
}

/** A payment was authorised. */
export interface PaymentAuthorised {
  readonly type: 'PaymentAuthorised';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Order; key of the topic. */
  readonly orderId: string;
  /** Payment. */
  readonly paymentId: string;
  /** Amount in the currency paid. */
  readonly amount: Money;
  /** Method. */
  readonly method: PaymentMethod;
  /** Payment provider. */
  readonly provider: string;
  /** Token of the card; never its number. */
  readonly cardFingerprint: null | string;
  /** Device that paid. */
  readonly deviceId: null | string;
  /** /24 or /48 of the address. */
  readonly ipPrefix: null | string;
  /** Rate locked with the payment. */
  readonly fx: null | FxRate;
}

/** A payment was captured. */
export interface PaymentCaptured {
  readonly type: 'PaymentCaptured';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Order; key of the topic. */
  readonly orderId: string;
  /** Payment. */
  readonly paymentId: string;
  /** Amount in the currency paid. */
  readonly amount: Money;
  /** Method. */
  readonly method: PaymentMethod;
  /** Payment provider. */
  readonly provider: string;
  /** Token of the card; never its number. */
  readonly cardFingerprint: null | string;
  /** Device that paid. */
  readonly deviceId: null | string;
  /** /24 or /48 of the address. */
  readonly ipPrefix: null | string;
  /** Rate locked with the payment. */
  readonly fx: null | FxRate;
  /** Number of instalments. */
  readonly installments: number;
}

/** A payment was refused. */
export interface PaymentFailed {
  readonly type: 'PaymentFailed';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Order; key of the topic. */
  readonly orderId: string;
  /** Payment. */
  readonly paymentId: string;
  /** Amount in the currency paid. */
  readonly amount: Money;
  /** Method. */
  readonly method: PaymentMethod;
  /** Payment provider. */
  readonly provider: string;
  /** Token of the card; never its number. */
  readonly cardFingerprint: null | string;
  /** Device that paid. */
  readonly deviceId: null | string;
  /** /24 or /48 of the address. */
  readonly ipPrefix: null | string;
  /** Rate locked with the payment. */
  readonly fx: null | FxRate;
  /** Reason given by the provider. */
  readonly reason: string;
}

/** Money was given back. */
export interface PaymentRefunded {
  readonly type: 'PaymentRefunded';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Order; key of the topic. */
  readonly orderId: string;
  /** Payment. */
  readonly paymentId: string;
  /** Amount in the currency paid. */
  readonly amount: Money;
  /** Method. */
  readonly method: PaymentMethod;
  /** Payment provider. */
  readonly provider: string;
  /** Token of the card; never its number. */
  readonly cardFingerprint: null | string;
  /** Device that paid. */
  readonly deviceId: null | string;
  /** /24 or /48 of the address. */
  readonly ipPrefix: null | string;
  /** Rate locked with the payment. */
  readonly fx: null | FxRate;
  /** Why. */
  readonly reason: string;
}

/** The card holder disputed a payment. */
export interface PaymentChargedBack {
  readonly type: 'PaymentChargedBack';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Order; key of the topic. */
  readonly orderId: string;
  /** Payment. */
  readonly paymentId: string;
  /** Amount in the currency paid. */
  readonly amount: Money;
  /** Method. */
  readonly method: PaymentMethod;
  /** Payment provider. */
  readonly provider: string;
  /** Token of the card; never its number. */
  readonly cardFingerprint: null | string;
  /** Device that paid. */
  readonly deviceId: null | string;
  /** /24 or /48 of the address. */
  readonly ipPrefix: null | string;
  /** Rate locked with the payment. */
  readonly fx: null | FxRate;
  /** Why. */
  readonly reason: string;
}

/** A parcel was announced to a carrier. */
export interface ShipmentCreated {
  readonly type: 'ShipmentCreated';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Order; key of the topic. */
  readonly orderId: string;
  /** Parcel. */
  readonly shipmentId: string;
  /** Carrier. */
  readonly carrier: string;
  /** Service of the carrier. */
  readonly service: string;
  /** Where from. */
  readonly origin: string;
  /** Where to. */
  readonly destination: string;
  /** Delivery promised for, epoch ms UTC. */
  readonly promisedTime: null | number;
}

export type ScanStatus = 'pickedUp' | 'inTransit' | 'atHub' | 'customs' | 'outForDelivery' | 'deliveryAttempted';

/** A carrier scanned a parcel. */
export interface ShipmentScanned {
  readonly type: 'ShipmentScanned';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Order; key of the topic. */
  readonly orderId: string;
  /** Parcel. */
  readonly shipmentId: string;
  /** Carrier. */
  readonly carrier: string;
  /** Normalised status. */
  readonly status: ScanStatus;
  /** Where. */
  readonly place: string;
  /** Degrees. */
  readonly latitude: null | number;
  /** Degrees. */
  readonly longitude: null | number;
  /** Telemetry of a cooled parcel. */
  readonly temperatureCelsius: null | number;
}

/** A parcel was delivered. */
export interface ShipmentDelivered {
  readonly type: 'ShipmentDelivered';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Order; key of the topic. */
  readonly orderId: string;
  /** Parcel. */
  readonly shipmentId: string;
  /** Carrier. */
  readonly carrier: string;
  /** Where. */
  readonly place: string;
}

/** A parcel met an exception. */
export interface ShipmentFailed {
  readonly type: 'ShipmentFailed';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Order; key of the topic. */
  readonly orderId: string;
  /** Parcel. */
  readonly shipmentId: string;
  /** Carrier. */
  readonly carrier: string;
  /** What happened. */
  readonly reason: string;
  /** Where. */
  readonly place: null | string;
}

/** The current state of an item. */
export interface ItemUpserted {
  readonly type: 'ItemUpserted';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Item; key of the topic. */
  readonly itemId: string;
  /** Title. */
  readonly title: string;
  /** Category. */
  readonly category: string;
  /** Brand. */
  readonly brand: null | string;
  /** Price. */
  readonly price: Money;
  /** Seller. */
  readonly sellerId: string;
  /** Can be sold. */
  readonly active: boolean;
}

/** The current state of a user. */
export interface UserUpserted {
  readonly type: 'UserUpserted';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Pseudonym; key of the topic. */
  readonly userId: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: null | string;
  /** Segment. */
  readonly segment: null | string;
}

export interface ServedItem {
  /** Item. */
  readonly itemId: string;
  /** From 0. */
  readonly position: number;
  /** Probability of being shown here. */
  readonly propensity: number;
  /** Recommender that proposed it. */
  readonly reason: string;
}

/** An answer of the recommender. */
export interface RecommendationsServed {
  readonly type: 'RecommendationsServed';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Answer. */
  readonly recommendationId: string;
  /** Device; key of the topic. */
  readonly anonymousId: string;
  /** Pseudonym, when known. */
  readonly userId: null | string;
  /** Items in order. */
  readonly items: readonly ServedItem[];
  /** Version of the model. */
  readonly modelVersion: string;
  /** Arm of an experiment. */
  readonly experiment: null | string;
  /** Time to answer, microseconds. */
  readonly latencyMicros: number;
}

export type RiskOutcome = 'allow' | 'challenge' | 'review' | 'deny';

/** A payment or order was judged. */
export interface RiskDecided {
  readonly type: 'RiskDecided';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Order or payment; key of the topic. */
  readonly entityId: string;
  /** Outcome. */
  readonly outcome: RiskOutcome;
  /** 0 to 1. */
  readonly score: number;
  /** Rules and features that decided. */
  readonly reasons: readonly string[];
  /** Version. */
  readonly modelVersion: string;
}

export type AlertEntity = 'card' | 'parcel' | 'order' | 'user' | 'item' | 'lane';

export type AlertSeverity = 'info' | 'warning' | 'critical';

/** Something needs a look. */
export interface AlertRaised {
  readonly type: 'AlertRaised';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Deterministic: the same finding has the same id. */
  readonly alertId: string;
  /** What it is about; key of the topic. */
  readonly entityId: string;
  /** Kind of entity. */
  readonly entityType: AlertEntity;
  /** Such as card-velocity-burst or parcel-silent. */
  readonly kind: string;
  /** Severity. */
  readonly severity: AlertSeverity;
  /** One sentence, without personal data. */
  readonly summary: string;
  /** First event of the finding, epoch ms UTC. */
  readonly firstEventTime: number;
  /** Last event of the finding, epoch ms UTC. */
  readonly lastEventTime: number;
  /** Event ids behind it, at most 20. */
  readonly evidence: readonly string[];
}

/** What a finding turned out to be. */
export interface LabelAssigned {
  readonly type: 'LabelAssigned';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Key of the topic. */
  readonly entityId: string;
  /** Such as fraud or legitimate. */
  readonly label: string;
  /** Role or system. */
  readonly assignedBy: string;
}

/** Data that is not what it should be. */
export interface DataQualityIssue {
  readonly type: 'DataQualityIssue';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Stream or table; key of the topic. */
  readonly entityId: string;
  /** Rule that failed. */
  readonly rule: string;
  /** One sentence. */
  readonly summary: string;
}

/** An item was bought from a device. */
export interface VisitorPurchased {
  readonly type: 'VisitorPurchased';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Device; key. */
  readonly anonymousId: string;
  /** Item. */
  readonly itemId: string;
}

export type ItemAction = 'viewed' | 'carted' | 'bought';

/** A known user viewed or bought an item. */
export interface UserActed {
  readonly type: 'UserActed';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Pseudonym; key. */
  readonly userId: string;
  /** Item. */
  readonly itemId: string;
  /** What was done. */
  readonly action: ItemAction;
}

export interface NeighbourCount {
  /** Item seen in the same session. */
  readonly itemId: string;
  /** Sum of the decayed weights of the pairs. */
  readonly weight: number;
}

/** What happened to an item in one commit of one task. */
export interface ItemActivity {
  readonly type: 'ItemActivity';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Item; key. */
  readonly itemId: string;
  /** Views. */
  readonly views: number;
  /** Times put into a cart. */
  readonly carts: number;
  /** Pieces bought. */
  readonly purchases: number;
  /** Items visited with it. */
  readonly neighbours: readonly NeighbourCount[];
}

/** A payment attempt with a card. */
export interface CardPayment {
  readonly type: 'CardPayment';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Card; key. */
  readonly cardFingerprint: string;
  /** Payment. */
  readonly paymentId: string;
  /** Order. */
  readonly orderId: string;
  /** Amount. */
  readonly amount: Money;
  /** Refused. */
  readonly failed: boolean;
}

export interface TrendingScore {
  /** Item. */
  readonly itemId: string;
  /** Decayed count at eventTime. */
  readonly score: number;
}

/** The most wanted items of one partition of items. */
export interface TrendingCandidates {
  readonly type: 'TrendingCandidates';
  /** UUIDv7 given by the client; the event counts once. */
  readonly eventId: string;
  /** When it happened, epoch ms UTC; drives the windows. */
  readonly eventTime: number;
  /** When Millrace took it, epoch ms UTC. */
  readonly ingestTime: number;
  /** Who sent it, such as web, replay-olist or simulator. */
  readonly source: string;
  /** W3C trace context. */
  readonly traceparent: null | string;
  /** Partition of items. */
  readonly partition: number;
  /** Best first. */
  readonly items: readonly TrendingScore[];
}

export type ClickstreamEvent =
  | PageViewed
  | ProductViewed
  | ListViewed
  | SearchPerformed
  | CartChanged
  | CheckoutStepped
  | RecommendationImpressed
  | RecommendationClicked;

export type IdentityLinksEvent =
  | IdentityLinked;

export type OrdersEvent =
  | OrderPlaced
  | OrderHeld
  | OrderConfirmed
  | OrderCancelled
  | OrderCompleted
  | OrderReturned;

export type PaymentsEvent =
  | PaymentAuthorised
  | PaymentCaptured
  | PaymentFailed
  | PaymentRefunded
  | PaymentChargedBack;

export type ShipmentsEvent =
  | ShipmentCreated
  | ShipmentScanned
  | ShipmentDelivered
  | ShipmentFailed;

export type CatalogEvent =
  | ItemUpserted;

export type UsersEvent =
  | UserUpserted;

export type ServedEvent =
  | RecommendationsServed;

export type RiskDecisionsEvent =
  | RiskDecided;

export type AlertsEvent =
  | AlertRaised;

export type LabelsEvent =
  | LabelAssigned;

export type DataQualityEvent =
  | DataQualityIssue;

export type VisitorPurchasesEvent =
  | VisitorPurchased;

export type UserActivityEvent =
  | UserActed;

export type ItemActivityEvent =
  | ItemActivity;

export type CardPaymentsEvent =
  | CardPayment;

export type TrendingCandidatesEvent =
  | TrendingCandidates;

export type MillraceEvent =
  | ClickstreamEvent
  | IdentityLinksEvent
  | OrdersEvent
  | PaymentsEvent
  | ShipmentsEvent
  | CatalogEvent
  | UsersEvent
  | ServedEvent
  | RiskDecisionsEvent
  | AlertsEvent
  | LabelsEvent
  | DataQualityEvent
  | VisitorPurchasesEvent
  | UserActivityEvent
  | ItemActivityEvent
  | CardPaymentsEvent
  | TrendingCandidatesEvent;

/** What each topic carries. */
export interface TopicEvents {
  'shop.clickstream': ClickstreamEvent;
  'shop.identity-links': IdentityLinksEvent;
  'shop.orders': OrdersEvent;
  'shop.payments': PaymentsEvent;
  'shop.shipments': ShipmentsEvent;
  'shop.catalog': CatalogEvent;
  'shop.users': UsersEvent;
  'shop.served': ServedEvent;
  'shop.risk-decisions': RiskDecisionsEvent;
  'shop.alerts': AlertsEvent;
  'shop.labels': LabelsEvent;
  'shop.data-quality': DataQualityEvent;
  'millrace.visitor-purchases': VisitorPurchasesEvent;
  'millrace.user-activity': UserActivityEvent;
  'millrace.item-activity': ItemActivityEvent;
  'millrace.card-payments': CardPaymentsEvent;
  'millrace.trending-candidates': TrendingCandidatesEvent;
}

export type RecordName = MillraceEvent['type'];

export type EventOf<Name extends RecordName> = Extract<MillraceEvent, { type: Name }>;
