/** Sub-topology `card`, keyed by card fingerprint: too many payment attempts with one card in a short time. */
import type { AlertRaised, CardPayment } from '../../schemas/generated/events.ts';
import { INTERNAL_TOPICS } from '../../schemas/topics.ts';
import { alertOf, alertsSink } from '../alerts/alert.ts';
import { internalMeta } from '../internal-event.ts';
import type { NodeContext, Push, TopologyBuilder } from '../runtime/dsl/index.ts';

const MAX_CARDS_PER_TASK = 500_000;
const MAX_ATTEMPTS_KEPT = 200;

export interface CardVelocityOptions {
  /** Attempts within the window that raise an alert. */
  readonly count: number;
  readonly windowMs: number;
}

interface Attempt {
  readonly paymentId: string;
  readonly eventId: string;
  readonly atMs: number;
  readonly failed: boolean;
}

interface CardState {
  /** Oldest first. */
  readonly attempts: readonly Attempt[];
  /** Event time up to which the present burst is known; no second alert while it lasts. */
  readonly burstUntilMs: number;
}

/** The attempts after a new one: each payment once, those outside the window gone, ordered by event time. */
function withAttempt(attempts: readonly Attempt[], attempt: Attempt, windowMs: number): readonly Attempt[] {
  const known = attempts.find((other) => other.paymentId === attempt.paymentId);
  const others = attempts.filter((other) => other !== known);
  // A payment that is authorised and captured is one attempt, at its first time.
  const merged =
    known === undefined
      ? attempt
      : { ...known, atMs: Math.min(known.atMs, attempt.atMs), failed: attempt.failed };
  const all = [...others, merged].sort((a, b) => a.atMs - b.atMs);
  const newestMs = all.at(-1)?.atMs ?? attempt.atMs;
  return all.filter((other) => other.atMs > newestMs - windowMs).slice(-MAX_ATTEMPTS_KEPT);
}

function cardVelocity(
  context: NodeContext,
  emit: Push<AlertRaised>,
  options: CardVelocityOptions,
): Push<CardPayment> {
  const cards = context.store<CardState>('cards', { maxEntries: MAX_CARDS_PER_TASK });

  return (event) => {
    const before = cards.get(event.cardFingerprint) ?? {
      attempts: [],
      burstUntilMs: Number.MIN_SAFE_INTEGER,
    };
    const attempt = {
      paymentId: event.paymentId,
      eventId: event.eventId,
      atMs: event.eventTime,
      failed: event.failed,
    };
    const attempts = withAttempt(before.attempts, attempt, options.windowMs);
    const inBurst = attempts.length >= options.count;
    const known = event.eventTime <= before.burstUntilMs;
    const burstUntilMs = inBurst
      ? Math.max(before.burstUntilMs, event.eventTime + options.windowMs)
      : before.burstUntilMs;
    cards.set(event.cardFingerprint, { attempts, burstUntilMs });
    const first = attempts[0];
    if (!inBurst || known || first === undefined) return;
    const failed = attempts.filter((other) => other.failed).length;
    const finding = {
      kind: 'card-velocity-burst',
      severity: failed * 2 >= attempts.length ? ('critical' as const) : ('warning' as const),
      entityType: 'card' as const,
      entityId: event.cardFingerprint,
      summary: `${attempts.length} payments with one card within ${Math.ceil((event.eventTime - first.atMs) / 1000)} s, ${failed} refused`,
      firstEventTimeMs: first.atMs,
      lastEventTimeMs: event.eventTime,
      evidence: attempts.map((other) => other.paymentId),
    };
    const alert = alertOf(finding, context.now());
    emit(alert, internalMeta(alert));
  };
}

export function cardJob(app: TopologyBuilder, options: CardVelocityOptions): void {
  app
    .events(INTERNAL_TOPICS.cardPayments.name, { subtopology: 'card' })
    .process<AlertRaised>('card-velocity', (context, emit) => cardVelocity(context, emit, options))
    .to(alertsSink);
}
