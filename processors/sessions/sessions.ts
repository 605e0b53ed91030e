/** Sessions of devices: what each began with, what was done in it, and how far it went towards an order. */
import { isOneOf, toWindowTable, type TopologyBuilder } from '../runtime/dsl/index.ts';
import type { FreshRow } from '../runtime/topology.ts';
import { onUpdate, session } from '../runtime/windows/index.ts';
import { shopCalendar } from '../shop-calendar.ts';
import { clickstream } from '../visitor/visitor.ts';
import { mergedSessions, type ToldSession } from './merged-sessions.ts';
import { isBounce, sessionSummary, type SessionSummary } from './session-summary.ts';

/** What a device does within this time of each other belongs to one session. */
export const SESSION_GAP_MS = 30 * 60_000;

export interface SessionsOptions {
  /** How long after its end and the gap a session still takes events. */
  readonly graceMs: number;
  /** In which a session belongs to the day of its start. */
  readonly timeZone: string;
}

/**
 * Table `sessions`: a row for each session with every commit in which it changed, and when it has closed. Robots and the
 * shop's own people have none; being shown a recommendation is nothing that a visitor did.
 */
export function sessionsJob(app: TopologyBuilder, { graceMs, timeZone }: SessionsOptions): void {
  const dayOf = shopCalendar(timeZone);
  const isImpression = isOneOf('RecommendationImpressed');
  clickstream(app)
    .filter((event) => !event.bot && !event.internal && !isImpression(event))
    .window(session({ gapMs: SESSION_GAP_MS, graceMs }))
    .aggregate('sessions', sessionSummary, onUpdate())
    .process<ToldSession<SessionSummary>>('merged-sessions', mergedSessions)
    .to(toWindowTable('sessions', (told) => sessionRow(told, dayOf(told.windowStartMs).date)));
}

function sessionRow(told: ToldSession<SessionSummary>, day: string): FreshRow {
  const { key, windowStartMs, windowEndMs, value, reason, isRetracted } = told;
  const { entry, exit } = value;
  return {
    session_start: windowStartMs,
    anonymous_id: key,
    session_end: windowEndMs,
    day,
    user_id: value.userId,
    client_session_id: entry.clientSessionId,
    channel: entry.channel,
    device: entry.device,
    referrer: entry.referrer,
    entry_event: entry.type,
    entry_path: entry.path,
    exit_event: exit.type,
    exit_path: exit.path,
    pages: value.pages,
    products: value.products,
    searches: value.searches,
    cart_adds: value.cartAdds,
    cart_removes: value.cartRemoves,
    recommendation_clicks: value.recommendationClicks,
    checkouts: value.checkouts,
    submitted: value.submitted,
    order_ids: value.orderIds,
    is_bounce: isBounce(value),
    has_purchased: value.submitted > 0,
    product_at: value.funnel.productMs,
    cart_at: value.funnel.cartMs,
    checkout_at: value.funnel.checkoutMs,
    submitted_at: value.funnel.submittedMs,
    reason,
    retracted: isRetracted ? 1 : 0,
  };
}
