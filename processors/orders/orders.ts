/** Sub-topology `orders`, keyed by order: facts, sales by minute, parcels without a scan, and what others must know. */
import type {
  AlertRaised,
  CardPayment,
  ItemActivity,
  OrderPlaced,
  PaymentsEvent,
  UserActed,
  VisitorPurchased,
} from '../../schemas/generated/events.ts';
import { INTERNAL_TOPICS, SHOP_TOPICS } from '../../schemas/topics.ts';
import { alertsSink } from '../alerts/alert.ts';
import { internalEnvelope, internalMeta } from '../internal-event.ts';
import { ItemActivityBuffer } from '../items/item-activity-buffer.ts';
import { itemActivities, itemActivitySink } from '../items/item-activity-output.ts';
import { parcelSilence } from '../logistics/parcel-silence.ts';
import {
  isOneOf,
  toEvents,
  toFacts,
  type NodeContext,
  type Push,
  type TopologyBuilder,
} from '../runtime/dsl/index.ts';
import { userActed, userActivitySink } from '../user/user-activity-output.ts';
import { orderFact, paymentFact, scanFact } from './order-facts.ts';
import { salesWindows } from './sales-windows.ts';

export interface OrdersOptions {
  /** How long after its end a minute still takes events. */
  readonly graceMs: number;
  /** Time without a scan after which a parcel raises an alert. */
  readonly parcelSilenceMs: number;
}

const SUBTOPOLOGY = 'orders';

/** How every job reads orders, payments and shipments: by the tasks of the orders. */
export function orderStreams(app: TopologyBuilder) {
  const source = { subtopology: SUBTOPOLOGY, deduplicated: true };
  return {
    orders: app.events(SHOP_TOPICS.orders.name, source),
    payments: app.events(SHOP_TOPICS.payments.name, source),
    shipments: app.events(SHOP_TOPICS.shipments.name, source),
  };
}

export function ordersJob(app: TopologyBuilder, options: OrdersOptions): void {
  app.retire(SUBTOPOLOGY, 'sales-minute');
  const { orders, payments, shipments } = orderStreams(app);
  orders.to(toFacts('orders', orderFact));
  payments.to(toFacts('payments', paymentFact));
  shipments.to(toFacts('scans', scanFact));
  salesWindows(orders.merge(payments), options.graceMs);
  shipments
    .process<AlertRaised>('parcels', (context, emit) => parcelSilence(context, emit, options.parcelSilenceMs))
    .to(alertsSink);
  const bought = orders.filter(isOneOf('OrderPlaced')).process<Bought>('purchases', tellOfPurchases);
  bought.filter(isOneOf('ItemActivity')).to(itemActivitySink);
  bought.filter(isOneOf('UserActed')).to(userActivitySink);
  bought
    .filter(isOneOf('VisitorPurchased'))
    .to(toEvents(INTERNAL_TOPICS.visitorPurchases.name, ({ anonymousId }) => anonymousId));
  payments
    .process<CardPayment>('card-payments', cardPayments)
    .to(toEvents(INTERNAL_TOPICS.cardPayments.name, ({ cardFingerprint }) => cardFingerprint));
}

/** What a purchase says of items, user and device. */
type Bought = ItemActivity | UserActed | VisitorPurchased;

function tellOfPurchases(context: NodeContext, emit: Push<Bought>) {
  const items = new ItemActivityBuffer();
  const say = (event: Bought) => emit(event, internalMeta(event));
  return {
    process: (event: OrderPlaced) => {
      const { anonymousId, buyerId: userId } = event;
      for (const { itemId, quantity } of event.lines) {
        items.bought(itemId, quantity, event.eventTime);
        say(userActed(context, { userId, itemId, action: 'bought' }, event));
        if (anonymousId !== null)
          say({ type: 'VisitorPurchased', ...internalEnvelope(context, event), anonymousId, itemId });
      }
    },
    beforeCommit: () => {
      for (const activity of itemActivities(context, items.take())) say(activity);
    },
  };
}

/** Attempts to pay with a card. */
function cardPayments(context: NodeContext, emit: Push<CardPayment>): Push<PaymentsEvent> {
  return (event) => {
    const isAttempt =
      event.type === 'PaymentAuthorised' ||
      event.type === 'PaymentFailed' ||
      event.type === 'PaymentCaptured';
    if (!isAttempt || event.cardFingerprint === null) return;
    const payment: CardPayment = {
      type: 'CardPayment',
      ...internalEnvelope(context, event),
      cardFingerprint: event.cardFingerprint,
      paymentId: event.paymentId,
      orderId: event.orderId,
      amount: event.amount,
      failed: event.type === 'PaymentFailed',
    };
    emit(payment, internalMeta(payment));
  };
}
