import { describe, expect, it } from 'vitest';
import { ALERT_RULES } from './alert-rules.ts';
import { allDashboards } from './build.ts';
import { lint, lintAll } from './lint.ts';
import type { ClassicDashboard, PlainPanel } from './model/grafana-types.ts';
import { alertingFile } from './provisioning.ts';

type Json = Record<string, unknown>;

const copy = <T>(value: T) => structuredClone(value);
const dashboards = () => copy(allDashboards()) as ClassicDashboard[];

/** Faults after one change to a copy of the real dashboards; [0] is pipeline health, [1] the shop. */
function faultsAfter(change: (shop: ClassicDashboard) => void): readonly string[] {
  const all = dashboards();
  change(all[1]!);
  return lint(all, alertingFile());
}

/** The panel as a loose object, to break it. */
function panelOf(dashboard: ClassicDashboard, id: number): PlainPanel & Json {
  return dashboard.panels.find((panel) => panel.id === id) as PlainPanel & Json;
}

function setSql(dashboard: ClassicDashboard, id: number, change: (sql: string) => string): void {
  const target = panelOf(dashboard, id).targets![0]!;
  target['rawSql'] = change(String(target['rawSql']));
}

describe('lint', () => {
  it('finds nothing in the dashboards of the repository', () => {
    expect(lintAll()).toEqual([]);
  });

  const planted: readonly (readonly [string, (shop: ClassicDashboard) => void, string])[] = [
    ['a panel id used twice', (d) => (panelOf(d, 11).id = 10), 'panel id 10 is used twice'],
    ['an Angular panel', (d) => (panelOf(d, 10).type = 'graph'), 'type graph is not known'],
    ['a missing title', (d) => (panelOf(d, 10).title = ' '), 'no title'],
    ['a missing description', (d) => delete panelOf(d, 10).description, 'no description'],
    ['a missing unit', (d) => delete panelOf(d, 10).fieldConfig!.defaults.unit, 'no unit'],
    [
      'an unknown unit',
      (d) => (panelOf(d, 10).fieldConfig!.defaults.unit = 'secs'),
      'unit secs is not known',
    ],
    [
      'an unknown unit of a column',
      (d) => panelOf(d, 23).fieldConfig!.overrides[0]!.properties.push({ id: 'unit', value: 'euros' }),
      'unit euros is not known',
    ],
    ['missing thresholds', (d) => delete panelOf(d, 1).fieldConfig!.defaults.thresholds, 'no thresholds'],
    ['no smallest interval', (d) => delete panelOf(d, 10).interval, 'no smallest interval'],
    [
      'a fixed data source',
      (d) => (panelOf(d, 10).targets![0]!['datasource'] = { uid: 'clickhouse' }),
      'query A: data source is not ${datasource}',
    ],
    [
      'a refId used twice',
      (d) => panelOf(d, 10).targets!.push(copy(panelOf(d, 10).targets![0]!)),
      'refId A is used twice',
    ],
    ['a panel beyond the grid', (d) => (panelOf(d, 6).gridPos!.w = 4), 'panel 6: outside of the grid'],
    ['an overlap', (d) => (panelOf(d, 2).gridPos!.x = 3), 'panels 1 and 2 overlap'],
    [
      'an undeclared variable',
      (d) => setSql(d, 10, (sql) => `${sql} -- $shop`),
      'panel 10: variable shop is not declared',
    ],
    [
      'an unknown macro',
      (d) => setSql(d, 23, (sql) => sql.replace('$__timeFilter', '$__timeRange')),
      'panel 23: unknown macro $__timeRange',
    ],
    [
      'a time series without its time column',
      (d) => setSql(d, 10, (sql) => sql.replace('AS time', 'AS minute')),
      'panel 10: a time series needs a column named time',
    ],
    [
      'a time series out of order',
      (d) => setSql(d, 10, (sql) => sql.replace('ORDER BY time', '')),
      'panel 10: a time series must be ordered by time',
    ],
    [
      'a partial last bucket',
      (d) => setSql(d, 10, (sql) => sql.replace('< toStartOfInterval(', '<= identity(')),
      'panel 10: the last bucket may be partial',
    ],
    [
      'an annotation without text',
      (d) => {
        const target = d.annotations.list[1]!.target as Json;
        target['rawSql'] = String(target['rawSql']).replace('AS text', 'AS words');
      },
      'annotation Critical alerts: no column named text',
    ],
    ['a dead link', (d) => (d.links[0]!.url = '/d/nowhere'), 'link Pipeline health: no dashboard nowhere'],
    [
      'a link that loses the time range',
      (d) => (panelOf(d, 5).links![0]!.keepTime = false),
      'link Pipeline health: must keep time range and variables',
    ],
    [
      'an uid used twice',
      (d) => Object.assign(d, { uid: 'millrace-pipeline-health' }),
      'uid millrace-pipeline-health is used twice',
    ],
    ['an old schema', (d) => (d.schemaVersion = 6), 'schemaVersion is not 42'],
    ['rows of the old model', (d) => Object.assign(d, { rows: [] }), 'rows belong to the old model'],
    [
      'a panel that an alert needs',
      (d) => (panelOf(d, 2).id = 77),
      'alert millrace-orders-stalled: no panel 2',
    ],
  ];
  it.each(planted)('finds %s', (_, change, fault) => {
    expect(faultsAfter(change).join('\n')).toContain(fault);
  });
});

describe('lint of the alert rules', () => {
  const faultsWith = (change: Json) =>
    lint(dashboards(), alertingFile([{ ...ALERT_RULES[0]!, ...change }])).join('\n');

  it.each([
    ['a template variable', { sql: 'SELECT 1 WHERE ${channel:singlequote}' }, 'template variable channel'],
    ['$__conditionalAll', { sql: 'SELECT $__conditionalAll(1 = 1, $c)' }, '$__conditionalAll in an alert'],
    ['an unknown macro', { sql: 'SELECT $__now' }, 'unknown macro $__now'],
    ['an unknown dashboard', { dashboardUid: 'nowhere' }, 'no dashboard nowhere'],
    ['an unknown panel', { panelId: 4711 }, 'no panel 4711'],
    ['a $ that Grafana would expand', { summary: 'costs $5' }, 'a text holds a $'],
  ])('finds %s', (_, change, fault) => {
    expect(faultsWith(change)).toContain(fault);
  });

  it('finds an uid used twice', () => {
    const twice = alertingFile([ALERT_RULES[0]!, ALERT_RULES[0]!]);
    expect(lint(dashboards(), twice)).toEqual(['alert uid millrace-orders-stalled is used twice']);
  });

  it('finds a condition that is no query, and another data source', () => {
    const file = alertingFile();
    const rule = file.groups[0]!.rules[0]!;
    rule.condition = 'Z';
    rule.data[0]!.datasourceUid = 'elsewhere';
    expect(lint(dashboards(), file)).toEqual([
      'alert millrace-orders-stalled: condition Z is no refId',
      'alert millrace-orders-stalled: a query names another data source',
    ]);
  });
});
