import type {
  BusinessMode,
  Channel,
  OrderPlaced,
  OrdersEvent,
  PaymentCaptured,
  PaymentChargedBack,
  PaymentFailed,
  PaymentRefunded,
  PaymentsEvent,
} from '../../schemas/generated/events.ts';
import { isOneOf } from '../runtime/dsl/index.ts';

export type PaymentSaleEvent = PaymentCaptured | PaymentFailed | PaymentRefunded | PaymentChargedBack;
/** What moves sales: an order, or money of it. */
export type SaleEvent = OrderPlaced | PaymentSaleEvent;

/** Where in the shop an order was placed. Empty for a payment whose order is not known. */
export interface SalePlace {
  readonly channel: Channel | '';
  readonly mode: BusinessMode | '';
}

export const NO_PLACE: SalePlace = { channel: '', mode: '' };

/** One movement of sales, at the place of its order. */
export interface Sale extends SalePlace {
  readonly type: SaleEvent['type'];
  readonly currency: string;
  readonly amountMinor: number;
  /** 1; -1 where it is taken back; 0 where nothing is to be counted, but its place told. */
  readonly weight: -1 | 0 | 1;
}

const isSaleType = isOneOf(
  'OrderPlaced',
  'PaymentCaptured',
  'PaymentFailed',
  'PaymentRefunded',
  'PaymentChargedBack',
);

export function isSaleEvent(event: OrdersEvent | PaymentsEvent): event is SaleEvent {
  return isSaleType(event);
}

type Counted = Pick<OrderPlaced, 'type' | 'total'> | Pick<PaymentSaleEvent, 'type' | 'amount'>;

export function saleOf(event: Counted, { channel, mode }: SalePlace, weight: Sale['weight'] = 1): Sale {
  const { currency, amountMinor } = 'total' in event ? event.total : event.amount;
  return { type: event.type, currency, amountMinor, channel, mode, weight };
}
