/** Card testing: somebody tries a stolen card with small payments, quickly and on many orders. */
import type { Catalogue } from './catalogue.ts';
import { drawMarket, priceIn } from './markets.ts';
import type { JourneyTools } from './order-journey.ts';
import { paymentFields } from './payment-draft.ts';
import type { PlannedEvent } from './planned-event.ts';
import { BURST_SURPLUS } from './shop-options.ts';
import { createCard } from './visitors.ts';

const FAILS = 0.85;
const SAME_ORDER = 0.3;

/** The events of a burst. The one that completes it bears the fault: the payment that makes the count full. */
export function planCardBurst(
  startMs: number,
  tools: JourneyTools & { readonly catalogue: Catalogue },
): readonly PlannedEvent[] {
  const { random, planner, settings, catalogue } = tools;
  const market = drawMarket(random);
  const { fingerprint } = createCard(random);
  const device = planner.id('device');
  const who = { deviceId: device, ipPrefix: `198.19.${random.int(256)}.0/24`, cardFingerprint: fingerprint };
  const orders: PlannedEvent[] = [];
  const payments: PlannedEvent[] = [];
  let atMs = startMs;
  let orderId = '';
  for (let attempt = 0; attempt < settings.cardBurstCount + BURST_SURPLUS; attempt++) {
    const amount = priceIn(market, random.between(50, 300));
    if (attempt === 0 || !random.chance(SAME_ORDER)) {
      const item = random.pick(catalogue.items);
      orderId = planner.id('order');
      const placed = {
        type: 'OrderPlaced',
        orderId,
        anonymousId: device,
        buyerId: `guest-${device}`,
        sellerId: item.seller.sellerId,
        mode: 'b2c',
        channel: 'web',
        lines: [{ itemId: item.itemId, quantity: 1, unitPrice: amount }],
        total: amount,
      } as const;
      orders.push(planner.plan(atMs, placed));
    }
    atMs += settings.cardBurstGapMs * random.between(0.5, 1.5);
    const fields = paymentFields(
      { orderId, paymentId: planner.id('payment'), amount, method: 'card', ...who },
      market,
    );
    payments.push(
      planner.plan(
        atMs,
        random.chance(FAILS)
          ? { type: 'PaymentFailed', ...fields, reason: 'do_not_honour' }
          : { type: 'PaymentAuthorised', ...fields },
      ),
    );
  }
  return [...orders, ...withFault(payments, fingerprint, tools)];
}

/** Whichever payments are sent first make the count full: they are sent in an order of their own. */
function withFault(
  payments: readonly PlannedEvent[],
  entityId: string,
  { settings }: JourneyTools,
): readonly PlannedEvent[] {
  const inOrderOfSending = [...payments].sort((a, b) => a.dueMs - b.dueMs);
  const counted = inOrderOfSending.slice(0, settings.cardBurstCount);
  const full = counted.at(-1);
  if (full === undefined) return payments;
  const fault = {
    kind: 'card-velocity-burst',
    entityId,
    fromMs: Math.min(...counted.map(({ event }) => event.eventTime)),
    expectedByMs: Math.ceil(full.dueMs + settings.alertMarginMs),
    eventIds: counted.map(({ event }) => event.eventId),
  } as const;
  return payments.map((payment) => (payment === full ? { ...payment, fault } : payment));
}
