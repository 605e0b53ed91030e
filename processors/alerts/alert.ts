import { createHash } from 'node:crypto';
import type { AlertEntity, AlertRaised, AlertSeverity } from '../../schemas/generated/events.ts';
import { ALERT_EVIDENCE_TOPIC, SHOP_TOPICS } from '../../schemas/topics.ts';
import { toEvents } from '../runtime/dsl/index.ts';

const MAX_EVIDENCE = 20;

export interface Finding {
  readonly kind: string;
  readonly severity: AlertSeverity;
  readonly entityType: AlertEntity;
  readonly entityId: string;
  /** One sentence, without personal data. */
  readonly summary: string;
  readonly firstEventTimeMs: number;
  readonly lastEventTimeMs: number;
  readonly evidence: readonly string[];
}

/**
 * A UUID (version 8, RFC 9562) from what the finding is, so that the same finding, found again after a restart, has the
 * same id.
 */
export function alertId(finding: Pick<Finding, 'kind' | 'entityId' | 'firstEventTimeMs'>): string {
  const hex = createHash('sha256')
    .update(`${finding.kind}|${finding.entityId}|${finding.firstEventTimeMs}`)
    .digest('hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The alert of a finding; its topic is {@link alertsSink}. */
export function alertOf(finding: Finding, nowMs: number): AlertRaised {
  const id = alertId(finding);
  return {
    type: 'AlertRaised',
    eventId: id,
    eventTime: Math.min(finding.lastEventTimeMs, nowMs),
    ingestTime: nowMs,
    source: 'millrace',
    traceparent: null,
    alertId: id,
    entityId: finding.entityId,
    entityType: finding.entityType,
    kind: finding.kind,
    severity: finding.severity,
    summary: finding.summary,
    firstEventTime: finding.firstEventTimeMs,
    lastEventTime: finding.lastEventTimeMs,
    evidence: finding.evidence.slice(0, MAX_EVIDENCE),
  };
}

/** Publishes alerts under what they are about, in the task's transaction, with what it takes to explain each. */
export const alertsSink = toEvents(SHOP_TOPICS.alerts.name, ({ entityId }) => entityId, {
  evidence: ALERT_EVIDENCE_TOPIC.name,
  idOf: ({ alertId: id }) => id,
});
