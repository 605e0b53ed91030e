/** The row of an order the plain way: over all of its events at once. What the job says is held against it. */
import type { Money } from '../../schemas/generated/events.ts';
import { isShipment, LIMITS } from './order-life-harness.contract.ts';
import type { OrderEvent } from './order-state.ts';

type Type = OrderEvent['type'];
type Sums = Readonly<Record<string, number>>;

/** All events of one order. */
export class Told {
  readonly events: readonly OrderEvent[];

  constructor(events: readonly OrderEvent[]) {
    this.events = events;
  }

  of<T extends Type>(...types: readonly T[]): readonly Extract<OrderEvent, { type: T }>[] {
    const wanted: readonly string[] = types;
    return this.events.filter((e): e is Extract<OrderEvent, { type: T }> => wanted.includes(e.type));
  }

  has(type: Type): boolean {
    return this.of(type).length > 0;
  }

  first(...types: readonly Type[]): number | null {
    const times = this.of(...types).map((e) => e.eventTime);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** -Infinity where there is none. */
  last(type: Type): number {
    return Math.max(...this.of(type).map((e) => e.eventTime));
  }

  paid(type: 'PaymentAuthorised' | 'PaymentCaptured' | 'PaymentRefunded' | 'PaymentChargedBack'): Sums {
    return total(this.of(type).map((e) => e.amount));
  }

  /** Whether less was given back than is due. */
  owes(due: Sums): boolean {
    const refunded = this.paid('PaymentRefunded');
    return Object.keys(due).some((currency) => (due[currency] ?? 0) > (refunded[currency] ?? 0));
  }

  get parcels(): readonly string[] {
    return [...new Set(this.events.filter(isShipment).map((e) => e.shipmentId))];
  }

  /** When each parcel was delivered; Infinity where it was not. */
  get deliveries(): readonly number[] {
    const delivered = this.of('ShipmentDelivered');
    return this.parcels.map((id) =>
      Math.min(...delivered.flatMap((e) => (e.shipmentId === id ? [e.eventTime] : []))),
    );
  }

  get deliveredAt(): number | null {
    const { deliveries } = this;
    return deliveries.length > 0 && deliveries.every(Number.isFinite) ? Math.max(...deliveries) : null;
  }

  get shippedAt(): number | null {
    return this.first('ShipmentScanned', 'ShipmentDelivered');
  }

  get promisedAt(): number | null {
    const promises = this.of('ShipmentCreated').flatMap((e) => e.promisedTime ?? []);
    return promises.length === 0 ? null : Math.max(...promises);
  }
}

function total(amounts: readonly Money[]): Sums {
  const sums: Record<string, number> = {};
  for (const { amountMinor, currency } of amounts) sums[currency] = (sums[currency] ?? 0) + amountMinor;
  return sums;
}

function statusOf(told: Told): string {
  const isPaid = told.has('PaymentCaptured');
  const heldAt = told.last('OrderHeld');
  const decidedAt = Math.max(told.last('OrderConfirmed'), told.last('PaymentCaptured'));
  const rules: readonly (readonly [string, boolean])[] = [
    ['charged_back', told.has('PaymentChargedBack')],
    ['refunded', isPaid && told.has('PaymentRefunded') && !told.owes(told.paid('PaymentCaptured'))],
    ['returned', told.has('OrderReturned')],
    ['cancelled', told.has('OrderCancelled')],
    ['completed', told.has('OrderCompleted')],
    ['delivered', told.deliveredAt !== null],
    ['shipped', told.shippedAt !== null],
    ['held', told.has('OrderHeld') && heldAt > decidedAt],
    ['captured', isPaid],
    ['authorised', told.has('PaymentAuthorised')],
    ['confirmed', told.has('OrderConfirmed')],
    ['placed', told.has('OrderPlaced')],
  ];
  return rules.find(([, holds]) => holds)?.[0] ?? 'unknown';
}

type Wait = readonly [step: string, sinceMs: number, dueMs: number];

function waitOf(told: Told): Wait | undefined {
  const refund = refundWait(told);
  if (refund !== undefined) return refund;
  const from = (step: string, sinceMs: number, limitMs: number): Wait => [step, sinceMs, sinceMs + limitMs];
  switch (statusOf(told)) {
    case 'shipped': {
      const since = told.shippedAt ?? 0;
      return ['delivery', since, told.promisedAt ?? since + LIMITS.deliveryMs];
    }
    case 'held':
      return from('review', told.last('OrderHeld'), LIMITS.reviewMs);
    case 'captured':
      return from('ship', told.first('PaymentCaptured') ?? 0, LIMITS.shipMs);
    case 'authorised':
      return from('capture', told.first('PaymentAuthorised') ?? 0, LIMITS.captureMs);
    case 'confirmed':
    case 'placed': {
      const since = told.first('OrderPlaced');
      return since === null ? undefined : from('payment', since, LIMITS.paymentMs);
    }
    default:
      return undefined;
  }
}

function refundWait(told: Told): Wait | undefined {
  if (!told.has('PaymentCaptured') || told.has('PaymentChargedBack')) return undefined;
  const since = (type: 'OrderReturned' | 'OrderCancelled') =>
    Math.max(told.first(type) ?? 0, told.first('PaymentCaptured') ?? 0);
  const promised = total(told.of('OrderReturned').map((e) => e.refund));
  const returnedAt = since('OrderReturned');
  if (told.has('OrderReturned') && told.owes(promised))
    return ['refund', returnedAt, returnedAt + LIMITS.refundMs];
  const cancelledAt = since('OrderCancelled');
  if (told.has('OrderCancelled') && told.owes(told.paid('PaymentCaptured')))
    return ['refund', cancelledAt, cancelledAt + LIMITS.refundMs];
  return undefined;
}

/** @param watermarkMs how far time has come in the order's partition */
export function expectedRow(told: Told, watermarkMs: number) {
  const [step = '', since = null, due = Number.POSITIVE_INFINITY] = waitOf(told) ?? [];
  const isStuck = due <= watermarkMs;
  const [order] = [...told.of('OrderPlaced')].sort(
    (a, b) => a.eventTime - b.eventTime || (a.eventId < b.eventId ? -1 : 1),
  );
  return {
    placed_at: told.first('OrderPlaced'),
    channel: order?.channel ?? '',
    ordered_minor: order?.total.amountMinor ?? 0,
    status: statusOf(told),
    waiting_step: step,
    waiting_since: since,
    stuck_step: isStuck ? step : '',
    stuck_since: isStuck ? due : null,
    held_at: told.first('OrderHeld'),
    confirmed_at: told.first('OrderConfirmed'),
    authorised_at: told.first('PaymentAuthorised'),
    captured_at: told.first('PaymentCaptured'),
    announced_at: told.first('ShipmentCreated'),
    shipped_at: told.shippedAt,
    delivered_at: told.deliveredAt,
    completed_at: told.first('OrderCompleted'),
    cancelled_at: told.first('OrderCancelled'),
    returned_at: told.first('OrderReturned'),
    refunded_at: told.first('PaymentRefunded'),
    charged_back_at: told.first('PaymentChargedBack'),
    promised_at: told.promisedAt,
    authorised_minor: told.paid('PaymentAuthorised'),
    captured_minor: told.paid('PaymentCaptured'),
    refunded_minor: told.paid('PaymentRefunded'),
    charged_back_minor: told.paid('PaymentChargedBack'),
    failed_payments: told.of('PaymentFailed').length,
    parcels: told.parcels.length,
    delivered_parcels: told.deliveries.filter(Number.isFinite).length,
    updated_at: Math.max(...told.events.map((e) => e.eventTime)),
  };
}
