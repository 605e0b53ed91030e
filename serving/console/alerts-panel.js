/** The alerts: recent ones from /v1/alerts, new ones from the stream, the newest first. */
import { byId, h, reconcile, setNote, setText } from './dom.js';
import { formatAgo, formatDate, formatKind, shortId } from './format.js';

const MOST_SHOWN = 50;
const FRESH_MS = 8000;

export function createAlertsPanel() {
  const alerts = new Map();
  const arrivedMs = new Map();
  let known = false;
  let unreachable = false;

  const render = () => {
    const newest = [...alerts.values()].sort((a, b) => b.raisedAtMs - a.raisedAtMs).slice(0, MOST_SHOWN);
    for (const id of alerts.keys()) if (!newest.some((alert) => alert.alertId === id)) alerts.delete(id);
    reconcile(byId('alerts'), newest, { key: (alert) => alert.alertId, create, update: updater(arrivedMs) });
    const critical = newest.filter((alert) => alert.severity === 'critical').length;
    setText(byId('alerts-count'), newest.length === 0 ? '' : `${newest.length} recent, ${critical} critical`);
    setNote(byId('alerts-note'), noteOf({ known, unreachable, empty: newest.length === 0 }));
  };

  return {
    /** The list of /v1/alerts. */
    showRecent({ alerts: recent, degraded }) {
      known = true;
      unreachable = degraded;
      for (const alert of recent) alerts.set(alert.alertId, alert);
      render();
    },
    /** One alert of the stream. */
    add(alert) {
      if (!alerts.has(alert.alertId)) arrivedMs.set(alert.alertId, Date.now());
      alerts.set(alert.alertId, alert);
      render();
    },
    /** Brings `x s ago` up to date. */
    tick: render,
  };
}

function create(alert) {
  return h(
    'li',
    { className: 'alert' },
    h('span', { className: 'severity' }, alert.severity),
    h('time', { dateTime: new Date(alert.eventTimeMs).toISOString(), title: formatDate(alert.eventTimeMs) }),
    h('b', {}, formatKind(alert.kind)),
    h('p', {}, alert.summary),
    h(
      'p',
      { className: 'entity', title: alert.entityId },
      `${formatKind(alert.entityType)} ${shortId(alert.entityId, 26)}`,
    ),
  );
}

function updater(arrivedMs) {
  return (item, alert) => {
    const nowMs = Date.now();
    item.dataset.severity = alert.severity;
    const fresh = nowMs - (arrivedMs.get(alert.alertId) ?? -Infinity) < FRESH_MS;
    if (!fresh) arrivedMs.delete(alert.alertId);
    item.dataset.fresh = String(fresh);
    setText(item.querySelector('time'), formatAgo(alert.raisedAtMs, nowMs));
  };
}

function noteOf({ known, unreachable, empty }) {
  if (!known) return 'Loading…';
  if (unreachable) return 'The online store does not answer, so older alerts are missing here.';
  return empty ? 'No alerts. New ones appear here as they are raised.' : null;
}
