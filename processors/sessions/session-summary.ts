import type { ClickstreamEvent } from '../../schemas/generated/events.ts';
import { custom, type Aggregator } from '../runtime/aggregates/index.ts';
import { addToFunnel, funnelOf, mergeFunnels, noFunnel, type Funnel, type FunnelTimes } from './funnel.ts';

const MAX_ORDERS = 20;
/** Of the starts that a session was thought to have; more of them between two commits are out of all order. */
const MAX_FORMER_STARTS = 20;
/** What is counted, in the order of the accumulator. */
const COUNTS = [
  'pages',
  'products',
  'searches',
  'cartAdds',
  'cartRemoves',
  'recommendationClicks',
  'checkoutSteps',
  'checkouts',
  'submitted',
] as const;
type Count = (typeof COUNTS)[number];
const INDEX = Object.fromEntries(COUNTS.map((name, index) => [name, index])) as Record<Count, number>;

/** The first or last event of a session, as much of it as is told. */
export interface Landing {
  readonly type: ClickstreamEvent['type'];
  /** Of a page; empty for what has none. */
  readonly path: string;
}

export interface Entry extends Landing {
  readonly channel: string;
  readonly device: string;
  readonly referrer: string;
  readonly clientSessionId: string;
}

/** What is told of a session. */
export interface SessionSummary extends Readonly<Record<Count, number>> {
  /** Orders that were submitted, in the order of their ids. */
  readonly orderIds: readonly string[];
  readonly entry: Entry;
  readonly exit: Landing;
  /** The last that was known. */
  readonly userId: string;
  readonly funnel: Funnel;
  /** Starts that it, or one that was merged into it, had before an earlier event came; the latest given up last. */
  readonly formerStarts: readonly number[];
}

type Timed = [atMs: number, ...texts: string[]];

/** Arrays, since it is written to the changelog for each session that has changed. */
type Accumulator = [
  counts: number[],
  entry: Timed | null,
  exit: Timed | null,
  user: Timed | null,
  orderIds: string[],
  funnel: FunnelTimes,
  formerStarts: number[],
];

/** Sums up a session. The order in which its events arrive does not matter, but for the former starts. */
export const sessionSummary: Aggregator<ClickstreamEvent, Accumulator, SessionSummary> = custom({
  layout: `session(${COUNTS.join(',')};${MAX_ORDERS};${MAX_FORMER_STARTS})`,
  init: (): Accumulator => [COUNTS.map(() => 0), null, null, null, [], noFunnel(), []],
  add: (session, event) => {
    const { eventTime, type, channel, device, referrer, sessionId, userId } = event;
    const path = type === 'PageViewed' ? event.path : '';
    countEvent(session[0], event);
    const [, entry, exit, user, orderIds, funnel, formerStarts] = session;
    if (entry !== null && eventTime < entry[0]) giveUp(formerStarts, entry[0]);
    // Most events come in order: then only the last is new.
    if (entry === null || eventTime <= entry[0])
      session[1] = first(entry, [
        eventTime,
        type,
        path,
        channel,
        device ?? '',
        referrer ?? '',
        sessionId ?? '',
      ]);
    session[2] = last(exit, [eventTime, type, path]);
    if (userId !== null) session[3] = last(user, [eventTime, userId]);
    if (type === 'CheckoutStepped' && event.step === 'submitted' && event.orderId !== null)
      addId(orderIds, event.orderId);
    addToFunnel(funnel, event);
    return session;
  },
  merge: (into, [counts, entry, exit, user, orderIds, funnel, formerStarts]) => {
    for (const startMs of formerStarts) giveUp(into[6], startMs);
    if (entry !== null && into[1] !== null) giveUp(into[6], Math.max(entry[0], into[1][0]));
    counts.forEach((count, index) => (into[0][index] = (into[0][index] ?? 0) + count));
    if (entry !== null) into[1] = first(into[1], entry);
    if (exit !== null) into[2] = last(into[2], exit);
    if (user !== null) into[3] = last(into[3], user);
    for (const id of orderIds) addId(into[4], id);
    mergeFunnels(into[5], funnel);
    return into;
  },
  result: ([counts, entry, exit, user, orderIds, funnel, formerStarts]) => {
    const [, type = '', path = '', channel = '', device = '', referrer = '', clientSessionId = ''] =
      entry ?? [];
    const [, exitType = '', exitPath = ''] = exit ?? [];
    const count = (name: Count) => counts[INDEX[name]] ?? 0;
    return {
      pages: count('pages'),
      products: count('products'),
      searches: count('searches'),
      cartAdds: count('cartAdds'),
      cartRemoves: count('cartRemoves'),
      recommendationClicks: count('recommendationClicks'),
      checkoutSteps: count('checkoutSteps'),
      checkouts: count('checkouts'),
      submitted: count('submitted'),
      orderIds,
      entry: { type: type as Entry['type'], path, channel, device, referrer, clientSessionId },
      exit: { type: exitType as Landing['type'], path: exitPath },
      userId: user?.[1] ?? '',
      funnel: funnelOf(funnel),
      formerStarts,
    };
  },
});

/** Whether the visitor looked at one thing and left. */
export function isBounce(session: SessionSummary): boolean {
  const { pages, products, searches, cartAdds, cartRemoves, checkoutSteps, recommendationClicks } = session;
  return (
    pages + products + searches <= 1 && cartAdds + cartRemoves + checkoutSteps + recommendationClicks === 0
  );
}

function countEvent(counts: number[], event: ClickstreamEvent): void {
  const count = (name: Count) => (counts[INDEX[name]] = (counts[INDEX[name]] ?? 0) + 1);
  switch (event.type) {
    case 'PageViewed':
    case 'ListViewed':
      count('pages');
      return;
    case 'ProductViewed':
      count('products');
      return;
    case 'SearchPerformed':
      count('searches');
      return;
    case 'CartChanged':
      if (event.quantityDelta > 0) count('cartAdds');
      if (event.quantityDelta < 0) count('cartRemoves');
      return;
    case 'RecommendationClicked':
      count('recommendationClicks');
      return;
    case 'CheckoutStepped':
      count('checkoutSteps');
      if (event.step === 'started') count('checkouts');
      if (event.step === 'submitted') count('submitted');
      return;
    case 'RecommendationImpressed':
  }
}

/** Of two at one time, the one whose text comes first counts, so that the order of arrival does not matter. */
function first(a: Timed | null, b: Timed): Timed {
  if (a === null || b[0] < a[0]) return b;
  return b[0] === a[0] && JSON.stringify(b) < JSON.stringify(a) ? b : a;
}

function last(a: Timed | null, b: Timed): Timed {
  if (a === null || b[0] > a[0]) return b;
  return b[0] === a[0] && JSON.stringify(b) > JSON.stringify(a) ? b : a;
}

function giveUp(formerStarts: number[], startMs: number): void {
  if (formerStarts.includes(startMs)) return;
  formerStarts.push(startMs);
  if (formerStarts.length > MAX_FORMER_STARTS) formerStarts.shift();
}

function addId(ids: string[], id: string): void {
  if (ids.includes(id)) return;
  ids.push(id);
  ids.sort();
  if (ids.length > MAX_ORDERS) ids.pop();
}
