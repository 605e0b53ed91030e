/** Sales by channel and business mode: of each minute, and of each day of the shop. */
import { orderStreams } from '../orders/orders.ts';
import { sum } from '../runtime/aggregates/index.ts';
import { toWindowTable, type TopologyBuilder } from '../runtime/dsl/index.ts';
import { daily, onUpdate, tumbling, type WindowResult } from '../runtime/windows/index.ts';
import { shopCalendar } from '../shop-calendar.ts';
import { placedSales } from './placed-sales.ts';
import { isSaleEvent, type Sale, type SaleEvent } from './sale.ts';
import { dayStoreName, dayStoresOfOtherZones } from './zone-stores.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** How long after it has closed a minute is still corrected by late events. */
const MINUTE_CORRECTIONS_MS = 60 * MINUTE_MS;
/** The same for a day. */
const DAY_CORRECTIONS_MS = 3 * DAY_MS;

export interface SalesOptions {
  /** How long after its end a window still takes events. */
  readonly graceMs: number;
  /** Whose days count. */
  readonly timeZone: string;
}

const countOf = (type: SaleEvent['type']) =>
  sum<Sale>((sale) => (sale.type === type ? sale.weight : undefined));
const amountOf = (type: SaleEvent['type']) =>
  sum<Sale>((sale) => (sale.type === type ? sale.weight * sale.amountMinor : undefined));

const FIGURES = {
  orders: countOf('OrderPlaced'),
  ordered_minor: amountOf('OrderPlaced'),
  captured_payments: countOf('PaymentCaptured'),
  captured_minor: amountOf('PaymentCaptured'),
  refunds: countOf('PaymentRefunded'),
  refunded_minor: amountOf('PaymentRefunded'),
  charge_backs: countOf('PaymentChargedBack'),
  charged_back_minor: amountOf('PaymentChargedBack'),
  failed_payments: countOf('PaymentFailed'),
};
type Figures = { readonly [K in keyof typeof FIGURES]: number };

/**
 * Tables `channel_sales_minute` and `channel_sales_day`, by currency, channel and mode. Each task has its part of a window;
 * the views add the parts up. A late event corrects its window for a while after it has closed.
 */
export function salesJob(app: TopologyBuilder, { graceMs, timeZone }: SalesOptions): void {
  const dayOf = shopCalendar(timeZone);
  const { orders, payments } = orderStreams(app);
  app.retire('orders', ...dayStoresOfOtherZones(timeZone));
  const sales = orders
    .merge(payments)
    .filter(isSaleEvent)
    .process<Sale>('placed-sales', (context, emit) =>
      placedSales(context, emit, { movableMs: MINUTE_CORRECTIONS_MS }),
    )
    .keyLocallyBy(({ currency, channel, mode }) => `${currency}|${channel}|${mode}`);
  sales
    .window(tumbling({ sizeMs: MINUTE_MS, graceMs, correctionsMs: MINUTE_CORRECTIONS_MS }))
    .aggregate('channel-sales-by-minute', FIGURES, onUpdate())
    .to(toWindowTable('channel_sales_minute', figuresRow));
  sales
    .window(daily({ timeZone, graceMs, correctionsMs: DAY_CORRECTIONS_MS }))
    .aggregate(dayStoreName(timeZone), FIGURES, onUpdate())
    .to(
      toWindowTable('channel_sales_day', (day) => ({
        ...figuresRow(day),
        day: dayOf(day.windowStartMs).date,
      })),
    );
}

function figuresRow({ key, windowStartMs, value, reason }: WindowResult<Figures>) {
  const [currency = '', channel = '', mode = ''] = key.split('|');
  return { window_start: windowStartMs, currency, channel, mode, ...value, reason };
}
