/**
 * Every query of the dashboards and alert rules, run by the ClickHouse engine in process on tables that the migrations
 * made, with the macros expanded as the data source does it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClickHouse, Row } from '../platform/clickhouse/port.ts';
import { ALERT_RULES } from './alert-rules.ts';
import { allDashboards } from './build.ts';
import { PIPELINE_HEALTH_UID, SHOP_LIVE_UID } from './dashboard-uids.ts';
import { annotationQueries, contentPanels, panelQueries, variableQueries } from './lint/walk.ts';
import type { PlainPanel } from './model/grafana-types.ts';
import {
  expand,
  MINUTE_MS,
  openSampleDatabase,
  RANGE,
  TO_MS,
  type SampleDatabase,
} from './sample-database.contract.ts';
import { expandMacros, expandTemplate, type Selection } from './sql-macros.ts';

const CHOSEN: Selection = { channel: ['web', "o'neill"], subtopology: ['visitor', 'item'] };

const DASHBOARDS = allDashboards();
const PANELS = DASHBOARDS.flatMap((dashboard) =>
  contentPanels(dashboard).map((panel) => [`${dashboard.uid} ${panel.id} ${panel.title}`, panel] as const),
);

let sample: SampleDatabase;
let clickhouse: ClickHouse;

interface Column extends Row {
  readonly name: string;
  readonly type: string;
}

const run = (sql: string) => clickhouse.query<Row>(sql);
const columnsOf = (sql: string) => clickhouse.query<Column>(`DESCRIBE TABLE (${sql})`);
const isTime = ({ type }: Column) => /^(Nullable\()?DateTime/.test(type);
const isText = ({ type }: Column) => /^(Nullable\(|LowCardinality\()?String/.test(type);
const isNumber = ({ type }: Column) => /^(Nullable\()?(U?Int|Float)\d+/.test(type);

const rowsOf: SampleDatabase['rowsOf'] = (...panel) => sample.rowsOf(...panel);

function expectShape(panel: PlainPanel, columns: readonly Column[]): void {
  const names = columns.map((column) => column.name);
  const overridden = (panel.fieldConfig?.overrides ?? [])
    .filter((override) => override.matcher.id === 'byName')
    .map((override) => override.matcher.options);
  const numbers = columns.filter(isNumber);
  switch (panel.type) {
    case 'timeseries':
      expect(names[0]).toBe('time');
      expect(columns.filter(isTime)).toHaveLength(1);
      expect(columns.filter(isText).length).toBeLessThanOrEqual(1);
      expect(numbers.length).toBe(columns.length - 1 - columns.filter(isText).length);
      // With a label, one value column: more would be told apart by nothing but their name.
      expect(columns.some(isText) ? numbers.length : 1).toBe(1);
      break;
    case 'table':
      expect(overridden.toSorted()).toEqual(names.toSorted());
      break;
    case 'stat':
    case 'bargauge':
      expect(numbers).toHaveLength(1);
      expect(columns.filter(isText)).toHaveLength(columns.length - 1);
      break;
    default:
      throw new Error(`no shape for ${panel.type}`);
  }
}

beforeAll(async () => {
  sample = await openSampleDatabase();
  ({ clickhouse } = sample);
});
afterAll(() => sample.close());

describe('every panel', () => {
  it.each(PANELS)('%s: columns fit the panel, and there are rows', async (_, panel) => {
    for (const { sql } of panelQueries(panel)) {
      expectShape(panel, await columnsOf(expand(sql)));
      const rows = await run(expand(sql));
      expect(rows.length).toBeGreaterThan(0);
      if (panel.type === 'stat')
        expect(rows.every((row) => Object.values(row).every((v) => v !== null))).toBe(true);
      if (panel.type === 'stat' && panel.options?.['textMode'] === 'value') expect(rows).toHaveLength(1);
    }
  });

  it.each(PANELS)('%s: runs with chosen values', async (_, panel) => {
    for (const { sql } of panelQueries(panel))
      await expect(run(expand(sql, CHOSEN))).resolves.toBeInstanceOf(Array);
  });
});

describe('a shop without any row', () => {
  it('fails no query, and shows no number for what was not measured', async () => {
    const empty = await sample.openEmpty();
    const shown: Row[][] = [];
    for (const [, panel] of PANELS) {
      for (const { sql } of panelQueries(panel)) {
        const rows = await empty.query<Row>(expand(sql));
        if (panel.type === 'stat' && panel.fieldConfig?.defaults.unit === 's') shown.push(rows);
      }
    }
    for (const { sql } of DASHBOARDS.flatMap((d) => [...annotationQueries(d), ...variableQueries(d)])) {
      expect(await empty.query(expand(sql))).toEqual([]);
    }
    await empty.close();
    expect(shown).toEqual([
      [{ watermark_lag: null }],
      [{ age: null }],
      [{ audit_age: null }],
      [{ age: null }],
    ]);
  });
});

describe('variables, annotations and alerts', () => {
  const variables = DASHBOARDS.flatMap(variableQueries);
  it.each(variables)('$where: one text column with values', async ({ sql }) => {
    const columns = await columnsOf(expand(sql));
    expect(columns.map(isText)).toEqual([true]);
    expect((await run(expand(sql))).length).toBeGreaterThan(0);
  });

  const annotations = DASHBOARDS.flatMap(annotationQueries);
  it.each(annotations)('$where: time and text', async ({ sql }) => {
    const columns = await columnsOf(expand(sql));
    expect(columns.filter(isTime).map((column) => column.name)).toEqual(['time']);
    expect(columns.filter(isText).map((column) => column.name)).toEqual(['text', 'tags']);
    expect((await run(expand(sql))).length).toBeGreaterThan(0);
  });

  it.each(ALERT_RULES)('$uid: one number, beside at most one text', async ({ sql, windowSeconds }) => {
    const range = { fromMs: TO_MS - windowSeconds * 1000, toMs: TO_MS, intervalMs: 1000 };
    const columns = await columnsOf(expandMacros(sql, range));
    expect(columns.filter(isNumber)).toHaveLength(1);
    expect(columns.filter(isText)).toHaveLength(columns.length - 1);
    expect((await run(expandMacros(sql, range))).length).toBeGreaterThan(0);
  });

  it('variables offer each value once', async () => {
    const values = await Promise.all(variables.map(({ sql }) => run(expand(sql))));
    expect(values).toEqual([
      [{ subtopology: 'item' }, { subtopology: 'visitor' }],
      [{ channel: 'app' }, { channel: 'web' }],
      [{ channel: 'app' }, { channel: 'web' }],
      [{ mode: 'b2b' }, { mode: 'b2c' }],
    ]);
  });
});

describe('numbers of the shop', () => {
  it('counts a fact that was written twice once', async () => {
    expect(await rowsOf(SHOP_LIVE_UID, 1)).toEqual([{ events: 2 / 60 }]);
    expect(await rowsOf(SHOP_LIVE_UID, 2)).toEqual([{ orders: 2 / 5 }]);
    expect(await rowsOf(SHOP_LIVE_UID, 2, { channel: ['app'] })).toEqual([{ orders: 1 / 5 }]);
  });

  it('shows money by currency in its own units', async () => {
    expect(await rowsOf(SHOP_LIVE_UID, 3)).toEqual([
      { currency: 'EUR', captured: 20 },
      { currency: 'JPY', captured: 500 },
    ]);
    expect(await rowsOf(SHOP_LIVE_UID, 23)).toEqual([
      { currency: 'EUR', orders: 2, ordered: 26.99, captured: 20, refunded: 1, failed_share: 0.25 },
      { currency: 'JPY', orders: 1, ordered: 500, captured: 500, refunded: 0, failed_share: 0 },
    ]);
  });

  it('computes conversion over visitors, without robots and without buyers nobody saw', async () => {
    expect(await rowsOf(SHOP_LIVE_UID, 4)).toEqual([{ conversion: 1 / 4 }]);
    expect(await rowsOf(SHOP_LIVE_UID, 4, { channel: ['app'] })).toEqual([{ conversion: 0 }]);
    expect(await rowsOf(SHOP_LIVE_UID, 4, { channel: ['live'] })).toEqual([{ conversion: null }]);
    expect(await rowsOf(SHOP_LIVE_UID, 12)).toEqual([
      { step: '1 product', visitors: 3 },
      { step: '2 cart', visitors: 2 },
      { step: '3 checkout', visitors: 1 },
      { step: '4 order', visitors: 2 },
    ]);
  });

  it('adds the newest versions of all tasks and leaves the open minute out', async () => {
    const rows = await rowsOf(SHOP_LIVE_UID, 10);
    expect(rows.map((row) => row['products'])).toEqual([10 + 5 + 7, 4]);
    const byChannel = await rowsOf(SHOP_LIVE_UID, 11, { channel: ['app'] });
    expect(byChannel).toMatchObject([{ channel: 'app', product_views_per_minute: 7 }]);
  });

  it('leaves the running minute out of a range that ends now', async () => {
    const nowMs = Date.now();
    const currentMs = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
    const minute = (startMs: number) => ({
      window_start: startMs,
      channel: 'web',
      product_views: 1,
      emitted_at: nowMs,
    });
    await clickhouse.insert('shop_minute', [minute(currentMs), minute(currentMs - 2 * MINUTE_MS)]);
    const dashboard = DASHBOARDS.find(({ uid }) => uid === SHOP_LIVE_UID)!;
    const sql = panelQueries(contentPanels(dashboard).find(({ id }) => id === 11)!)[0]!.sql;
    const range = { fromMs: nowMs - 3 * MINUTE_MS, toMs: nowMs, intervalMs: MINUTE_MS };
    const rows = await run(expandMacros(expandTemplate(sql, {}), range));
    const times = rows.map((row) => Date.parse(String(row['time'])));
    expect(times).toContain(currentMs - 2 * MINUTE_MS);
    expect(times).not.toContain(currentMs);
  });

  it('ranks items and credits the recommender that proposed the item', async () => {
    expect(await rowsOf(SHOP_LIVE_UID, 30)).toEqual([
      { item_id: 'i1', item_views: 10, added: 2, cart_share: 0.2 },
      { item_id: 'i2', item_views: 4, added: 1, cart_share: 0.25 },
    ]);
    expect(await rowsOf(SHOP_LIVE_UID, 32)).toEqual([
      { reason: 'item-item', seen: 1, clicked: 1, click_share: 1 },
      { reason: 'popular', seen: 2, clicked: 0, click_share: 0 },
    ]);
  });

  it('puts critical alerts first and counts each parcel in its newest status', async () => {
    expect((await rowsOf(SHOP_LIVE_UID, 40)).map((row) => row['entity_id'])).toEqual([
      'e-a1',
      'e-a3',
      'e-a2',
    ]);
    expect(await rowsOf(SHOP_LIVE_UID, 43)).toEqual([
      { status: 'delivered', parcels: 1 },
      { status: 'inTransit', parcels: 1 },
    ]);
  });
});

describe('numbers of the pipeline', () => {
  /** Sum over the buckets of a rate by the second, of the series with that label. */
  const totalOf = (rows: readonly Row[], label: string, column: string) =>
    rows
      .filter((row) => Object.values(row).includes(label))
      .reduce((sum, row) => sum + (Number(row[column]) * RANGE.intervalMs) / 1000, 0);

  it('tells of the newest pass of the auditor', async () => {
    expect(await rowsOf(PIPELINE_HEALTH_UID, 50)).toEqual([{ differences: 1 }]);
    expect(await rowsOf(PIPELINE_HEALTH_UID, 51)).toEqual([{ audit_age: 40 }]);
    expect(await rowsOf(PIPELINE_HEALTH_UID, 52)).toMatchObject([
      { what: 'payments', there: 12, gaps: 1 },
      { what: 'shop.clickstream', there: 400, gaps: 0 },
      { what: 'visitor', there: 90, gaps: 0 },
    ]);
  });

  it('takes the newest sample of each task', async () => {
    expect(await rowsOf(PIPELINE_HEALTH_UID, 1)).toEqual([{ watermark_lag: 3 }]);
    expect(await rowsOf(PIPELINE_HEALTH_UID, 1, { subtopology: ['visitor'] })).toEqual([
      { watermark_lag: 2.5 },
    ]);
    expect(await rowsOf(PIPELINE_HEALTH_UID, 4)).toEqual([{ lag_records: 40 + 2 + 5 }]);
    expect(await rowsOf(PIPELINE_HEALTH_UID, 1, { subtopology: ['nothing'] })).toEqual([
      { watermark_lag: null },
    ]);
  });

  it('follows counters over a change of process and from before the range', async () => {
    expect(await rowsOf(PIPELINE_HEALTH_UID, 3)).toEqual([{ records: (60 + 60 + 10) / 60 }]);
    expect(await rowsOf(PIPELINE_HEALTH_UID, 5)).toEqual([{ dead_letters: 1 }]);
    const rows = await rowsOf(PIPELINE_HEALTH_UID, 12);
    expect(totalOf(rows, 'visitor', 'records_per_second')).toBeCloseTo(220 + 90);
    expect(totalOf(rows, 'item', 'records_per_second')).toBeCloseTo(660 + 10);
  });

  it('counts a commit of a process once, however many tasks it has', async () => {
    const rows = await rowsOf(PIPELINE_HEALTH_UID, 31);
    expect(totalOf(rows, 'a', 'commits_per_second')).toBeCloseTo(3700 - 20);
    expect(totalOf(rows, 'b', 'commits_per_second')).toBeCloseTo(310 - 30);
  });

  it('marks the start of a process that is not older than the range', async () => {
    const starts = DASHBOARDS.flatMap(annotationQueries).find(({ where }) =>
      where.includes('Process starts'),
    )!;
    expect((await run(expand(starts.sql))).map((row) => row['text'])).toEqual(['Process started: b']);
  });

  it('counts stored rows and the age of the newest one', async () => {
    const stored = await rowsOf(PIPELINE_HEALTH_UID, 40);
    expect(stored.find((row) => row['table_name'] === 'pipeline_samples')).toEqual({
      table_name: 'pipeline_samples',
      stored_rows: 10,
    });
    const newest = await rowsOf(PIPELINE_HEALTH_UID, 42);
    expect(newest).toHaveLength(14);
    const clicksAge = Number(newest.find((row) => row['table_name'] === 'clicks')?.['age']);
    expect(clicksAge).toBeGreaterThanOrEqual((Date.now() - TO_MS) / 1000 - 30 + 20 - 20);
    expect(clicksAge).toBeLessThan((Date.now() - TO_MS) / 1000 + 60);
  });
});

describe('alert rules', () => {
  const valueOf = async (uid: string, toMs: number) => {
    const rule = ALERT_RULES.find((candidate) => candidate.uid === uid)!;
    const range = { fromMs: toMs - rule.windowSeconds * 1000, toMs, intervalMs: 1000 };
    const rows = await run(expandMacros(rule.sql, range));
    const numbers = rows.flatMap((row) => Object.values(row).filter((value) => typeof value === 'number'));
    return { value: Math.max(...numbers), fires: numbers.some((value) => value > rule.above) };
  };

  it('are quiet while the shop is well, but for the one dead letter', async () => {
    expect(await valueOf('millrace-orders-stalled', TO_MS)).toEqual({ value: 0, fires: false });
    expect(await valueOf('millrace-freshness', TO_MS)).toEqual({ value: 250, fires: false });
    expect(await valueOf('millrace-watermark-lag', TO_MS)).toEqual({ value: 3, fires: false });
    expect(await valueOf('millrace-no-samples', TO_MS)).toEqual({ value: 20, fires: false });
    expect(await valueOf('millrace-dead-letters', TO_MS)).toEqual({ value: 1, fires: true });
  });

  it('fire when carts move without orders, and when samples end', async () => {
    const busy = Array.from({ length: 20 }, (_, index) => ({
      _topic: 'shop.clickstream',
      _partition: 1,
      _offset: index,
      _ordinal: 0,
      event_type: 'CartChanged',
      event_time: TO_MS + 15 * MINUTE_MS,
      ingest_time: TO_MS + 15 * MINUTE_MS,
      anonymous_id: 'late-visitor',
      quantity_delta: 1,
    }));
    await clickhouse.insert('clicks', busy);
    const later = TO_MS + 16 * MINUTE_MS;
    expect(await valueOf('millrace-orders-stalled', later)).toEqual({ value: 19 * 60, fires: true });
    expect(await valueOf('millrace-no-samples', later)).toEqual({ value: 16 * 60 + 20, fires: true });
  });
});
