/** Sub-topology `journal`: facts of what the recommender answered and of what was decided and alerted. */
import type { Row } from '../../platform/clickhouse/port.ts';
import type { AlertRaised, RecommendationsServed, RiskDecided } from '../../schemas/generated/events.ts';
import {
  ALERT_CHANNEL,
  recentAlertsKey,
  TTL_MS,
  type AlertNotice,
  type RecentAlerts,
} from '../../schemas/keys.ts';
import { SHOP_TOPICS } from '../../schemas/topics.ts';
import { factEnvelope } from '../fact-envelope.ts';
import { toFacts, type NodeContext, type Push, type TopologyBuilder } from '../runtime/dsl/index.ts';

const MAX_RECENT = 100;

/** The row of its table. */
export function servedFact(event: RecommendationsServed): Row {
  return {
    ...factEnvelope(event),
    recommendation_id: event.recommendationId,
    anonymous_id: event.anonymousId,
    user_id: event.userId ?? '',
    item_ids: event.items.map((item) => item.itemId),
    reasons: event.items.map((item) => item.reason),
    propensities: event.items.map((item) => item.propensity),
    model_version: event.modelVersion,
    experiment: event.experiment ?? '',
    // Unsigned in the table, which would refuse the whole insert.
    latency_micros: Math.max(0, event.latencyMicros),
  };
}

/** The row of its table. */
export function riskFact(event: RiskDecided): Row {
  return {
    ...factEnvelope(event),
    entity_id: event.entityId,
    outcome: event.outcome,
    score: event.score,
    reasons: event.reasons,
    model_version: event.modelVersion,
  };
}

/** The row of its table. */
export function alertFact(event: AlertRaised): Row {
  return {
    ...factEnvelope(event),
    alert_id: event.alertId,
    entity_type: event.entityType,
    entity_id: event.entityId,
    kind: event.kind,
    severity: event.severity,
    summary: event.summary,
    first_event_time: event.firstEventTime,
    last_event_time: event.lastEventTime,
    evidence: event.evidence,
  };
}

function noticeOf(event: AlertRaised): AlertNotice {
  return {
    alertId: event.alertId,
    kind: event.kind,
    severity: event.severity,
    entityType: event.entityType,
    entityId: event.entityId,
    summary: event.summary,
    eventTimeMs: event.eventTime,
    raisedAtMs: event.ingestTime,
  };
}

/** Keeps the newest alerts of a partition for readers of the online store, and announces each. */
function recentAlerts(context: NodeContext): Push<AlertRaised> {
  const recent = context.store<RecentAlerts>('recent-alerts');
  const key = String(context.partition);
  context.onlineView(recent, {
    key: (partition) => recentAlertsKey(Number(partition)),
    value: (alerts) => JSON.stringify(alerts),
    ttlMs: TTL_MS.recentAlerts,
  });
  return (event) => {
    const notice = noticeOf(event);
    recent.set(key, { alerts: [notice, ...(recent.get(key)?.alerts ?? [])].slice(0, MAX_RECENT) });
    context.outputs.notify(ALERT_CHANNEL, JSON.stringify(notice));
  };
}

export function journalJob(app: TopologyBuilder): void {
  const source = { subtopology: 'journal', deduplicated: true };
  app.events(SHOP_TOPICS.served.name, source).to(toFacts('served', servedFact));
  app.events(SHOP_TOPICS.riskDecisions.name, source).to(toFacts('risk_decisions', riskFact));
  const alerts = app.events(SHOP_TOPICS.alerts.name, source);
  alerts.to(toFacts('alerts', alertFact));
  alerts.process('recent-alerts', recentAlerts);
}
