/** What one task says to the next, recomputed from the events: each record exactly once in the committed topics. */
import type { IngestedEvent } from '../../../../ingest/public-event.ts';
import type { MillraceEvent } from '../../../../schemas/generated/events.ts';
import { tally, type Tally } from './findings.ts';

const isPerson = (event: { readonly bot: boolean; readonly internal: boolean }) =>
  !event.bot && !event.internal;

/** One attempt to pay with a card for each such event. */
export function cardPayments(events: readonly IngestedEvent[]): Tally {
  return tally(
    events.flatMap((event) => {
      const isAttempt =
        event.type === 'PaymentAuthorised' ||
        event.type === 'PaymentFailed' ||
        event.type === 'PaymentCaptured';
      if (!isAttempt || event.cardFingerprint === null) return [];
      const failed = event.type === 'PaymentFailed';
      return [cardPaymentKey({ ...event, cardFingerprint: event.cardFingerprint, failed })];
    }),
  );
}

export function cardPaymentKey(payment: {
  readonly cardFingerprint: string;
  readonly paymentId: string;
  readonly eventTime: number;
  readonly failed: boolean;
}): string {
  const { cardFingerprint, paymentId, eventTime, failed } = payment;
  return `${cardFingerprint} ${paymentId} ${eventTime} ${failed ? 'failed' : 'made'}`;
}

/** One purchase of a device for each line of its orders. */
export function visitorPurchases(events: readonly IngestedEvent[]): Tally {
  return tally(
    events.flatMap((event) => {
      if (event.type !== 'OrderPlaced' || event.anonymousId === null) return [];
      const { anonymousId, eventTime } = event;
      return event.lines.map(({ itemId }) => purchaseKey({ anonymousId, itemId, eventTime }));
    }),
  );
}

export function purchaseKey(purchase: {
  readonly anonymousId: string;
  readonly itemId: string;
  readonly eventTime: number;
}): string {
  return `${purchase.anonymousId} ${purchase.itemId} ${purchase.eventTime}`;
}

/** Views, carts and purchases by item: the records that carry them are made for each commit, their sums are not. */
export function itemTotals(events: readonly IngestedEvent[]): Tally {
  const totals: Tally = new Map();
  const add = (what: string, count: number) => totals.set(what, (totals.get(what) ?? 0) + count);
  for (const event of events) {
    if (event.type === 'ProductViewed' && isPerson(event)) add(`${event.itemId} views`, 1);
    else if (event.type === 'CartChanged' && isPerson(event) && event.quantityDelta > 0)
      add(`${event.itemId} carts`, 1);
    else if (event.type === 'OrderPlaced')
      for (const { itemId, quantity } of event.lines) add(`${itemId} purchases`, quantity);
  }
  return totals;
}

export function foundItemTotals(activities: readonly MillraceEvent[]): Tally {
  const totals: Tally = new Map();
  for (const event of activities) {
    if (event.type !== 'ItemActivity') continue;
    for (const what of ['views', 'carts', 'purchases'] as const) {
      if (event[what] === 0) continue;
      const key = `${event.itemId} ${what}`;
      totals.set(key, (totals.get(key) ?? 0) + event[what]);
    }
  }
  return totals;
}

/** What users did: at least what their own events say, at most that and the histories of the devices they linked. */
export function userActs(events: readonly IngestedEvent[]): { readonly least: Tally; readonly most: Tally } {
  const own: string[] = [];
  const ofDevices = new Map<string, Set<string>>();
  const links = new Map<string, Set<string>>();
  const remember = (device: string, act: string) =>
    ofDevices.set(device, (ofDevices.get(device) ?? new Set()).add(act));
  for (const event of events) {
    const { eventTime } = event;
    if (event.type === 'ProductViewed' && isPerson(event)) {
      if (event.userId !== null) own.push(`${event.userId} ${event.itemId} viewed ${eventTime}`);
      remember(event.anonymousId, `${event.itemId} viewed ${eventTime}`);
    } else if (event.type === 'OrderPlaced') {
      for (const { itemId } of event.lines) {
        own.push(`${event.buyerId} ${itemId} bought ${eventTime}`);
        if (event.anonymousId !== null) remember(event.anonymousId, `${itemId} bought ${eventTime}`);
      }
    } else if (event.type === 'IdentityLinked') {
      links.set(event.anonymousId, (links.get(event.anonymousId) ?? new Set()).add(event.userId));
    }
  }
  const inherited = [...links].flatMap(([device, users]) =>
    [...users].flatMap((user) => [...(ofDevices.get(device) ?? [])].map((act) => `${user} ${act}`)),
  );
  return { least: tally(own), most: tally([...own, ...inherited]) };
}
