import type { OrdersEvent, PaymentsEvent } from '../../schemas/generated/events.ts';
import { OK, type StepResult } from '../runtime/step-result.ts';
import type { TaskContext } from '../runtime/topology.ts';

const MINUTE_MS = 60_000;

interface SalesMinute {
  orders: number;
  ordered_minor: number;
  captured_payments: number;
  captured_minor: number;
  failed_payments: number;
  refunded_minor: number;
}

/** Orders and money by minute and currency, gross and refunds apart: table `sales_minute`. */
export function salesWindows(
  context: TaskContext,
  graceMs: number,
): (event: OrdersEvent | PaymentsEvent) => StepResult {
  const sales = context.tumbling<SalesMinute>({
    name: 'sales-minute',
    sizeMs: MINUTE_MS,
    graceMs,
    init: () => ({
      orders: 0,
      ordered_minor: 0,
      captured_payments: 0,
      captured_minor: 0,
      failed_payments: 0,
      refunded_minor: 0,
    }),
    emit: ({ key, windowStartMs, value, reason }) =>
      context.outputs.versionedRow('sales_minute', {
        window_start: windowStartMs,
        currency: key,
        ...value,
        reason,
      }),
  });
  return (event) => {
    switch (event.type) {
      case 'OrderPlaced':
        return sales.add(event.total.currency, event.eventTime, (minute) => {
          minute.orders += 1;
          minute.ordered_minor += event.total.amountMinor;
        });
      case 'PaymentCaptured':
        return sales.add(event.amount.currency, event.eventTime, (minute) => {
          minute.captured_payments += 1;
          minute.captured_minor += event.amount.amountMinor;
        });
      case 'PaymentFailed':
        return sales.add(event.amount.currency, event.eventTime, (minute) => (minute.failed_payments += 1));
      case 'PaymentRefunded':
        return sales.add(event.amount.currency, event.eventTime, (minute) => {
          minute.refunded_minor += event.amount.amountMinor;
        });
      default:
        return OK;
    }
  };
}
