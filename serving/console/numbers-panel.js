/** The tiles, the chart, the funnel and the state of the sources, all from /v1/live. */
import { createChart } from './chart.js';
import { byId, h, reconcile, setNote, setText } from './dom.js';
import { formatCount, formatMoney, formatPercent, formatRate } from './format.js';

const NO_CLICKHOUSE = {
  down: 'ClickHouse does not answer. The numbers come back by themselves.',
  absent: 'ClickHouse is not connected, so there are no numbers.',
  ok: 'This number is not available right now.',
};

export function createNumbersPanel() {
  const chart = createChart(byId('chart'));
  const canvas = byId('chart').querySelector('canvas');
  return {
    show(live) {
      const missing = NO_CLICKHOUSE[live.sources.clickhouse];
      showEvents(live, missing);
      showSales(live, missing);
      showConversion(live, missing);
      showFunnel(live);
      showRows(live.rows);
      setSource('source-clickhouse', live.sources.clickhouse);
      setSource('source-store', live.sources.onlineStore);
      chart.show(live.throughput?.points ?? []);
      setNote(byId('chart-note'), chartNote(live.throughput, missing));
      canvas.setAttribute('aria-label', chartSummary(live.throughput));
    },
  };
}

const SOURCE_WORDS = { ok: 'answers', down: 'does not answer', absent: 'not connected', wait: 'not reached' };

/** Marks a source in the head of the page; `state` is ok, down, absent or wait. */
export function setSource(id, state) {
  const item = byId(id);
  item.dataset.state = state;
  setText(item.lastElementChild, SOURCE_WORDS[state]);
}

function tile(id, value, sub) {
  const element = byId(id);
  setText(element.querySelector('[data-value]'), value);
  setText(element.querySelector('[data-sub]'), sub);
  element.dataset.empty = String(value === '–');
}

function showEvents({ throughput }, missing) {
  if (throughput === null) return tile('tile-events', '–', missing);
  tile(
    'tile-events',
    formatRate(throughput.eventsPerSecond),
    `${formatRate(throughput.productViewsPerSecond)} of them product views`,
  );
}

function showSales({ sales }, missing) {
  if (sales === null) {
    tile('tile-orders', '–', missing);
    tile('tile-revenue', '–', missing);
    return;
  }
  tile(
    'tile-orders',
    formatCount(sales.orders),
    sales.orders === 0 ? 'None in the last hour yet' : 'in the last hour',
  );
  const earning = sales.byCurrency.filter((entry) => entry.capturedMinor > 0);
  const [first, ...others] = earning;
  if (first === undefined) {
    tile('tile-revenue', '–', 'No payment captured in the last hour yet');
    return;
  }
  const refunded =
    first.refundedMinor > 0 ? `, ${formatMoney(first.refundedMinor, first.currency, true)} refunded` : '';
  const also = others.map((entry) => formatMoney(entry.capturedMinor, entry.currency, true));
  const sub = also.length > 0 ? `and ${also.slice(0, 3).join(' · ')}` : `in the last hour${refunded}`;
  tile('tile-revenue', formatMoney(first.capturedMinor, first.currency, true), sub);
}

function showConversion({ conversion }, missing) {
  if (conversion === null) return tile('tile-conversion', '–', missing);
  if (conversion.rate === null) return tile('tile-conversion', '–', 'No visitors in the last hour yet');
  tile(
    'tile-conversion',
    formatPercent(conversion.rate),
    `${formatCount(conversion.buyers)} of ${formatCount(conversion.visitors)} visitors ordered`,
  );
}

function showFunnel({ funnel, sales }) {
  const list = byId('funnel');
  list.hidden = funnel === null || sales === null;
  if (list.hidden) return;
  const steps = [
    { name: 'Product views', count: funnel.productViews },
    { name: 'Put into cart', count: funnel.cartAdds },
    { name: 'Checkout steps', count: funnel.checkouts },
    { name: 'Orders', count: sales.orders },
  ];
  const most = Math.max(1, ...steps.map((step) => step.count));
  reconcile(list, steps, {
    key: (step) => step.name,
    create: (step) =>
      h(
        'li',
        {},
        h('span', { className: 'funnel-name' }, step.name),
        h('b', {}),
        h('span', { className: 'track', ariaHidden: 'true' }, h('i')),
      ),
    update(item, step) {
      setText(item.querySelector('b'), formatCount(step.count));
      item.querySelector('i').style.setProperty('width', `${(step.count / most) * 100}%`);
    },
  });
}

function showRows(rows) {
  const text =
    rows === null
      ? ''
      : `Stored: ${formatCount(rows.clicks)} clicks, ${formatCount(rows.orders)} order events, ${formatCount(rows.payments)} payment events, ${formatCount(rows.scans)} parcel events, ${formatCount(rows.served)} answers`;
  setText(byId('rows'), text);
}

function chartNote(throughput, missing) {
  if (throughput === null) return missing;
  const quiet = throughput.points.every((point) => point.events === 0);
  return quiet ? 'No events in the last 5 minutes. The line starts with the first one.' : null;
}

function chartSummary(throughput) {
  if (throughput === null) return 'Events and product views per second: no data';
  const most = Math.max(...throughput.points.map((point) => point.events));
  return `Events and product views per second over the last 5 minutes. Now ${formatRate(throughput.eventsPerSecond)} events and ${formatRate(throughput.productViewsPerSecond)} product views per second; at most ${formatRate(most)} events in one second.`;
}
