import type { ClickstreamEvent } from '../../schemas/generated/events.ts';

/** Of each step behind the first, the earliest times that are kept: more of them before the first product are none. */
const MAX_TIMES = 50;

/** When each step of the way to an order was reached, epoch ms; null where it was not, or a step before it was not. */
export interface Funnel {
  readonly productMs: number | null;
  readonly cartMs: number | null;
  readonly checkoutMs: number | null;
  readonly submittedMs: number | null;
}

/** First product view, and the earliest times of the steps behind it in ascending order. */
export type FunnelTimes = [product: number | null, cart: number[], checkout: number[], submitted: number[]];

const STEPS = ['product', 'cart', 'checkout', 'submitted'] as const;

function stepOf(event: ClickstreamEvent): (typeof STEPS)[number] | undefined {
  switch (event.type) {
    case 'ProductViewed':
      return 'product';
    case 'CartChanged':
      return event.quantityDelta > 0 ? 'cart' : undefined;
    case 'CheckoutStepped':
      if (event.step === 'started') return 'checkout';
      return event.step === 'submitted' ? 'submitted' : undefined;
    default:
      return undefined;
  }
}

export function noFunnel(): FunnelTimes {
  return [null, [], [], []];
}

export function addToFunnel(times: FunnelTimes, event: ClickstreamEvent): void {
  const step = stepOf(event);
  if (step !== undefined) addTime(times, STEPS.indexOf(step), event.eventTime);
}

export function mergeFunnels(into: FunnelTimes, [product, ...later]: FunnelTimes): void {
  if (product !== null) addTime(into, 0, product);
  later.forEach((step, index) => {
    for (const timeMs of step) addTime(into, index + 1, timeMs);
  });
}

/**
 * The way product view → cart → checkout started → submitted, in this order: a step counts from the first time at or
 * after the step before it. The order in which events arrive does not matter.
 */
export function funnelOf([productMs, cart, checkout, submitted]: FunnelTimes): Funnel {
  const cartMs = firstFrom(productMs, cart);
  const checkoutMs = firstFrom(cartMs, checkout);
  return { productMs, cartMs, checkoutMs, submittedMs: firstFrom(checkoutMs, submitted) };
}

function addTime(times: FunnelTimes, index: number, timeMs: number): void {
  if (index === 0) {
    times[0] = Math.min(times[0] ?? timeMs, timeMs);
    return;
  }
  const list = times[index] as number[];
  let at = list.length;
  while (at > 0 && (list[at - 1] ?? 0) > timeMs) at -= 1;
  if (at >= MAX_TIMES) return;
  list.splice(at, 0, timeMs);
  if (list.length > MAX_TIMES) list.pop();
}

function firstFrom(fromMs: number | null, ascending: readonly number[]): number | null {
  if (fromMs === null) return null;
  return ascending.find((timeMs) => timeMs >= fromMs) ?? null;
}
