/** Starts the console: asks the API in a steady rhythm, and says in words what is missing. */
import { ApiError, getJson, readEvents, rememberKey } from './api.js';
import { createAlertsPanel } from './alerts-panel.js';
import { byId, setNote, setText } from './dom.js';
import { formatClock } from './format.js';
import { refreshItemCards } from './item-cards.js';
import { createNumbersPanel, setSource } from './numbers-panel.js';
import { showTrending } from './trending-panel.js';
import { createVisitorPanel } from './visitor-panel.js';

const numbers = createNumbersPanel();
const alerts = createAlertsPanel();
const visitor = createVisitorPanel(() => void run(rounds.visitor));

/** What is asked, and how often while the page is visible. */
const rounds = {
  live: { everyMs: 1000, work: async () => numbers.show(await getJson('/v1/live')) },
  trending: { everyMs: 2000, work: async () => showTrending(await getJson('/v1/trending?limit=10')) },
  visitors: { everyMs: 5000, work: () => visitor.refreshVisitors(), optional: true },
  visitor: { everyMs: 1000, work: () => visitor.refresh() },
  cards: { everyMs: 1000, work: () => refreshItemCards(), optional: true },
  alerts: { everyMs: 30_000, work: async () => alerts.showRecent(await getJson('/v1/alerts?limit=50')) },
};

const faults = new Map();

let needsKey = false;

async function run(round) {
  if (round.busy === true || needsKey) return;
  round.busy = true;
  try {
    await round.work();
    faults.delete(round);
    if (round === rounds.live) byId('clock').textContent = formatClock(Date.now());
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (round.optional !== true || error.kind !== 'refused') faults.set(round, error);
  } finally {
    round.busy = false;
    showFaults();
  }
  // What was just shown may hold items that the page has not seen yet.
  if (round === rounds.trending || round === rounds.visitor) await run(rounds.cards);
}

function showFaults() {
  const all = [...faults.values()];
  const key = all.find((fault) => fault.kind === 'key');
  needsKey = key !== undefined;
  byId('key-form').hidden = !needsKey;
  byId('main').hidden = needsKey;
  byId('top-state').hidden = needsKey;
  const lost = all.find((fault) => fault.kind === 'unreachable');
  const refused = all.find((fault) => fault.kind === 'refused');
  let text = null;
  if (key !== undefined) setText(byId('key-label'), key.message);
  else if (lost !== undefined)
    text = 'The server does not answer. What you see is the last that was received; trying again.';
  else if (refused !== undefined) text = refused.message;
  setNote(byId('banner'), text);
  document.body.dataset.stale = String(lost !== undefined);
  if (lost !== undefined) for (const id of ['source-clickhouse', 'source-store']) setSource(id, 'wait');
}

byId('key-form').addEventListener('submit', (event) => {
  event.preventDefault();
  rememberKey(byId('key').value.trim());
  byId('key').value = '';
  needsKey = false;
  faults.clear();
  for (const round of Object.values(rounds)) void run(round);
});

for (const round of Object.values(rounds)) {
  void run(round);
  setInterval(() => {
    if (!document.hidden) void run(round);
  }, round.everyMs);
}
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) for (const round of Object.values(rounds)) void run(round);
});
setInterval(() => alerts.tick(), 1000);

const STREAM_STATES = { open: 'ok', key: 'wait' };

void readEvents('/v1/alerts/stream', {
  onEvent: (event) => {
    if (event.event === 'alert') alerts.add(JSON.parse(event.data));
    // The stream has skipped alerts for this page: read the list instead.
    else void run(rounds.alerts);
  },
  onState: (state) => setSource('source-alerts', STREAM_STATES[state] ?? 'down'),
});
