import dashgen from 'grafana-dash-gen';
import { describe, expect, it } from 'vitest';
import { ModernDashboard, type DashboardSpec } from './modern-dashboard.ts';
import { statPanel, textPanel, timeSeriesPanel } from './panel-kinds.ts';
import { datasourceVariable, onlySelected, queryVariable } from './variables.ts';

const about = { what: 'Counts.', why: 'Because.', action: 'Look.' };
const stat = (id: number, width: number, height = 4) =>
  statPanel({ id, title: `Stat ${id}`, about, unit: 's', width, height, sql: 'SELECT 1 AS one' });

function dashboard(rows: DashboardSpec['rows']): ModernDashboard {
  return new ModernDashboard({
    uid: 'test',
    title: 'Test',
    description: 'A test.',
    tags: ['test'],
    timeFrom: 'now-1h',
    refresh: '10s',
    variables: [
      datasourceVariable(),
      queryVariable({ name: 'c', label: 'C', description: 'C.', sql: 'SELECT 1' }),
    ],
    annotations: [],
    links: [],
    rows,
  });
}

describe('ModernDashboard', () => {
  it('is a dash-gen dashboard whose generate() gives the Classic model', () => {
    const made = dashboard([{ id: 100, title: 'Row', panels: [stat(1, 6)] }]);
    expect(made).toBeInstanceOf(dashgen.Dashboard);
    expect(made.generate()).toEqual(made.classic());
    expect(made.classic()).toMatchObject({
      uid: 'test',
      schemaVersion: 42,
      graphTooltip: 1,
      editable: false,
    });
    expect(made.classic().templating.list.map((variable) => variable.type)).toEqual(['datasource', 'query']);
  });

  it('places panels from left to right and breaks the line where the next one does not fit', () => {
    const panels = [stat(1, 12, 4), stat(2, 8, 6), stat(3, 8, 3), stat(4, 16, 5)];
    const made = dashboard([
      { id: 100, title: 'First', panels },
      { id: 101, title: 'Second', panels: [stat(5, 24, 2)] },
    ]);
    expect(made.classic().panels.map((panel) => [panel.id, panel.gridPos])).toEqual([
      [100, { x: 0, y: 0, w: 24, h: 1 }],
      [1, { x: 0, y: 1, w: 12, h: 4 }],
      [2, { x: 12, y: 1, w: 8, h: 6 }],
      [3, { x: 0, y: 7, w: 8, h: 3 }],
      [4, { x: 8, y: 7, w: 16, h: 5 }],
      [101, { x: 0, y: 12, w: 24, h: 1 }],
      [5, { x: 0, y: 13, w: 24, h: 2 }],
    ]);
  });

  it('refuses a panel of the old library', () => {
    const made = dashboard([{ id: 100, title: 'Row', panels: [] }]);
    made.rows[0]?.addPanel(new dashgen.Panels.Graph());
    expect(() => made.generate()).toThrow(TypeError);
  });
});

describe('panels', () => {
  const series = timeSeriesPanel({
    id: 7,
    title: 'Series',
    about,
    unit: 'ms',
    width: 12,
    interval: '1m',
    limits: { warning: 1, critical: 2 },
    sql: "\nSELECT 100 % 7 AS time, '%s'\n",
  }).classic();

  it('carry what, why and what to do', () => {
    expect(series.description).toBe('Counts.\n\n**Why:** Because.\n\n**What to do:** Look.');
  });

  it('pass the SQL on as it is', () => {
    expect(series.targets).toMatchObject([
      {
        refId: 'A',
        editorType: 'sql',
        format: 0,
        queryType: 'timeseries',
        rawSql: "SELECT 100 % 7 AS time, '%s'",
      },
    ]);
  });

  it('colour and draw their limits', () => {
    expect(series.fieldConfig?.defaults.thresholds?.steps).toEqual([
      { color: 'green', value: null },
      { color: 'yellow', value: 1 },
      { color: 'red', value: 2 },
    ]);
    expect(series.fieldConfig?.defaults.custom?.['thresholdsStyle']).toEqual({ mode: 'dashed' });
    const low = statPanel({
      id: 8,
      title: 'Low',
      about,
      unit: 's',
      width: 4,
      sql: 'SELECT 1',
      limits: { warning: 5, critical: 2, lowIsBad: true },
    }).classic();
    expect(low.fieldConfig?.defaults.thresholds?.steps.map((step) => step.color)).toEqual([
      'red',
      'yellow',
      'green',
    ]);
  });

  it('of text ask nothing', () => {
    const text = textPanel({ id: 9, title: 'Text', about, width: 24, markdown: '# Hello' }).classic();
    expect(text.options).toEqual({ mode: 'markdown', content: '# Hello' });
    expect(text.targets).toBeUndefined();
  });
});

describe('onlySelected', () => {
  it('is what the data source turns into no condition under All', () => {
    expect(onlySelected('t.channel', 'channel')).toBe(
      '$__conditionalAll(t.channel IN (${channel:singlequote}), $channel)',
    );
  });
});
