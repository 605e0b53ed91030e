/**
 * Sub-topology `orders`, keyed by order: facts of orders, payments and parcels, sales by minute, silent parcels, and
 * what a purchase says of visitors, users, items and cards.
 */
import type {
  OrderPlaced,
  OrdersEvent,
  PaymentsEvent,
  ShipmentsEvent,
} from '../../schemas/generated/events.ts';
import { INTERNAL_TOPICS, SHOP_TOPICS } from '../../schemas/topics.ts';
import { internalEnvelope } from '../internal-event.ts';
import { ItemActivityBuffer } from '../items/item-activity-buffer.ts';
import { produceItemActivity } from '../items/item-activity-output.ts';
import { parcelSilence } from '../logistics/parcel-silence.ts';
import { DROP, OK, type StepResult } from '../runtime/step-result.ts';
import type { InputRecord, Processor, Subtopology, TaskContext } from '../runtime/topology.ts';
import { orderFact, paymentFact, scanFact } from './order-facts.ts';
import { salesWindows } from './sales-windows.ts';

export interface OrdersOptions {
  /** How long after its end a minute still takes events. */
  readonly graceMs: number;
  /** Time without a scan after which a parcel raises an alert. */
  readonly parcelSilenceMs: number;
}

class OrdersProcessor implements Processor {
  readonly #context: TaskContext;
  readonly #items = new ItemActivityBuffer();
  readonly #count: (event: OrdersEvent | PaymentsEvent) => StepResult;
  readonly #watchParcel: (event: ShipmentsEvent) => void;

  constructor(context: TaskContext, options: OrdersOptions) {
    this.#context = context;
    this.#count = salesWindows(context, options.graceMs);
    this.#watchParcel = parcelSilence(context, options.parcelSilenceMs);
  }

  process(record: InputRecord): StepResult {
    const { event } = record;
    switch (event.type) {
      case 'OrderPlaced':
      case 'OrderHeld':
      case 'OrderConfirmed':
      case 'OrderCancelled':
      case 'OrderCompleted':
      case 'OrderReturned':
        return this.#ordered(event, record);
      case 'PaymentAuthorised':
      case 'PaymentCaptured':
      case 'PaymentFailed':
      case 'PaymentRefunded':
      case 'PaymentChargedBack':
        return this.#paid(event, record);
      case 'ShipmentCreated':
      case 'ShipmentScanned':
      case 'ShipmentDelivered':
      case 'ShipmentFailed':
        this.#context.outputs.fact('scans', record, scanFact(event));
        this.#watchParcel(event);
        return OK;
      default:
        return DROP;
    }
  }

  beforeCommit(): void {
    produceItemActivity(this.#context, this.#items.take());
  }

  #ordered(event: OrdersEvent, record: InputRecord): StepResult {
    this.#context.outputs.fact('orders', record, orderFact(event));
    if (event.type === 'OrderPlaced') this.#tellOfPurchase(event);
    return this.#count(event);
  }

  #tellOfPurchase(event: OrderPlaced): void {
    const { outputs } = this.#context;
    for (const { itemId, quantity } of event.lines) {
      this.#items.bought(itemId, quantity, event.eventTime);
      outputs.produce(INTERNAL_TOPICS.userActivity.name, event.buyerId, {
        type: 'UserActed',
        ...internalEnvelope(this.#context, event),
        userId: event.buyerId,
        itemId,
        action: 'bought',
      });
      if (event.anonymousId === null) continue;
      outputs.produce(INTERNAL_TOPICS.visitorPurchases.name, event.anonymousId, {
        type: 'VisitorPurchased',
        ...internalEnvelope(this.#context, event),
        anonymousId: event.anonymousId,
        itemId,
      });
    }
  }

  #paid(event: PaymentsEvent, record: InputRecord): StepResult {
    this.#context.outputs.fact('payments', record, paymentFact(event));
    const attempt =
      event.type === 'PaymentAuthorised' ||
      event.type === 'PaymentFailed' ||
      event.type === 'PaymentCaptured';
    if (attempt && event.cardFingerprint !== null) {
      this.#context.outputs.produce(INTERNAL_TOPICS.cardPayments.name, event.cardFingerprint, {
        type: 'CardPayment',
        ...internalEnvelope(this.#context, event),
        cardFingerprint: event.cardFingerprint,
        paymentId: event.paymentId,
        orderId: event.orderId,
        amount: event.amount,
        failed: event.type === 'PaymentFailed',
      });
    }
    return this.#count(event);
  }
}

export function ordersSubtopology(options: OrdersOptions): Subtopology {
  const inputs = [SHOP_TOPICS.orders.name, SHOP_TOPICS.payments.name, SHOP_TOPICS.shipments.name];
  return {
    name: 'orders',
    inputs,
    deduplicated: inputs,
    create: (context) => new OrdersProcessor(context, options),
  };
}
