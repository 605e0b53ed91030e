/** One factory for each panel type: its options are checked against the panel's own schema. */
import type { GraphFieldConfig, TableOptions } from '@grafana/schema';
import type { Options as BarGaugeOptions } from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type { Options as StatOptions } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { Options as TextOptions } from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';
import type { Options as TimeSeriesOptions } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import type { Plain, PlainFieldConfig, PlainLink } from './grafana-types.ts';
import { ModernPanel, type PanelAbout } from './modern-panel.ts';
import { thresholdSteps, type Limits } from './thresholds.ts';
import type { Unit } from './units.ts';

interface CommonSpec {
  readonly id: number;
  readonly title: string;
  readonly about: PanelAbout;
  readonly sql: string;
  readonly unit: Unit;
  readonly width: number;
  readonly height?: number;
  readonly decimals?: number;
  readonly limits?: Limits;
  readonly links?: readonly PlainLink[];
}

type Overrides = PlainFieldConfig['overrides'];

/** Shown instead of a blank: nothing measured is not zero. */
const NO_VALUE = 'no data';

function defaultsOf(spec: CommonSpec): PlainFieldConfig['defaults'] {
  return {
    unit: spec.unit,
    ...(spec.decimals === undefined ? {} : { decimals: spec.decimals }),
    noValue: NO_VALUE,
    thresholds: thresholdSteps(spec.limits),
  };
}

export interface TimeSeriesSpec extends CommonSpec {
  /** Smallest bucket: the resolution of the data. */
  readonly interval: string;
  readonly draw?: 'line' | 'bars';
  /** Only for parts of one whole: never for money of several currencies. */
  readonly stacked?: boolean;
  /** `left` sums up in the legend, `last` shows the newest value. */
  readonly legend?: 'sum' | 'last';
  /** Name of a series, such as `${__field.labels.channel}`. */
  readonly seriesName?: string;
  readonly overrides?: Overrides;
}

/** Lines or bars over time. The query returns `time`, at most one text column, and numbers. */
export function timeSeriesPanel(spec: TimeSeriesSpec): ModernPanel {
  const bars = spec.draw === 'bars';
  const custom = {
    drawStyle: bars ? 'bars' : 'line',
    lineWidth: bars ? 1 : 2,
    fillOpacity: bars ? 70 : 10,
    showPoints: 'never',
    // A gap in the data is a gap on the screen.
    spanNulls: false,
    axisSoftMin: 0,
    stacking: { mode: spec.stacked === true ? 'normal' : 'none', group: 'A' },
    thresholdsStyle: { mode: spec.limits === undefined ? 'off' : 'dashed' },
  } satisfies Plain<GraphFieldConfig>;
  const options = {
    legend: {
      displayMode: 'table',
      placement: 'bottom',
      showLegend: true,
      calcs: spec.legend === 'sum' ? ['sum', 'max'] : ['lastNotNull', 'max'],
    },
    tooltip: { mode: 'multi', sort: 'desc' },
  } satisfies Plain<TimeSeriesOptions>;
  const { seriesName } = spec;
  return new ModernPanel({
    ...spec,
    type: 'timeseries',
    height: spec.height ?? 8,
    queries: [{ sql: spec.sql, format: 'timeseries' }],
    fieldConfig: {
      defaults: {
        ...defaultsOf(spec),
        ...(seriesName === undefined ? {} : { displayName: seriesName }),
        color: { mode: 'palette-classic-by-name' },
        custom,
      },
      overrides: spec.overrides ?? [],
    },
    options,
  });
}

export interface StatSpec extends CommonSpec {
  /** Column that is shown for each row; absent where the query returns one row with one number. */
  readonly eachRowOf?: string;
}

/** One big number, or one for each row of the result. */
export function statPanel(spec: StatSpec): ModernPanel {
  const options = {
    reduceOptions: {
      calcs: ['lastNotNull'],
      fields: spec.eachRowOf === undefined ? '' : `/^${spec.eachRowOf}$/`,
      values: spec.eachRowOf !== undefined,
    },
    orientation: 'auto',
    colorMode: spec.limits === undefined ? 'none' : 'value',
    graphMode: 'none',
    justifyMode: 'auto',
    textMode: spec.eachRowOf === undefined ? 'value' : 'value_and_name',
    wideLayout: true,
    showPercentChange: false,
    percentChangeColorMode: 'standard',
  } satisfies Plain<StatOptions>;
  return new ModernPanel({
    ...spec,
    type: 'stat',
    height: spec.height ?? 4,
    queries: [{ sql: spec.sql, format: 'table' }],
    fieldConfig: { defaults: defaultsOf(spec), overrides: [] },
    options,
  });
}

export interface ColumnSpec {
  readonly title: string;
  readonly unit?: Unit;
  readonly decimals?: number;
  /** Colours the cell's text. */
  readonly limits?: Limits;
  /** Pixels. */
  readonly width?: number;
}

export interface TableSpec extends Omit<CommonSpec, 'limits'> {
  /** Every column of the query by its name. */
  readonly columns: Readonly<Record<string, ColumnSpec>>;
  readonly sortBy?: { readonly column: string; readonly descending: boolean };
}

function columnOverride(name: string, column: ColumnSpec): Overrides[number] {
  return {
    matcher: { id: 'byName', options: name },
    properties: [
      { id: 'displayName', value: column.title },
      ...(column.unit === undefined ? [] : [{ id: 'unit', value: column.unit }]),
      ...(column.decimals === undefined ? [] : [{ id: 'decimals', value: column.decimals }]),
      ...(column.width === undefined ? [] : [{ id: 'custom.width', value: column.width }]),
      ...(column.limits === undefined
        ? []
        : [
            { id: 'thresholds', value: thresholdSteps(column.limits) },
            { id: 'custom.cellOptions', value: { type: 'color-text' } },
          ]),
    ],
  };
}

/** Rows and columns. */
export function tablePanel(spec: TableSpec): ModernPanel {
  const { sortBy, columns } = spec;
  const options = {
    frameIndex: 0,
    showHeader: true,
    cellHeight: 'sm',
    ...(sortBy === undefined
      ? {}
      : {
          sortBy: [{ displayName: columns[sortBy.column]?.title ?? sortBy.column, desc: sortBy.descending }],
        }),
  } satisfies Plain<TableOptions>;
  return new ModernPanel({
    ...spec,
    type: 'table',
    height: spec.height ?? 8,
    queries: [{ sql: spec.sql, format: 'table' }],
    fieldConfig: {
      defaults: { ...defaultsOf(spec), custom: { align: 'auto', filterable: true } },
      overrides: Object.entries(columns).map(([name, column]) => columnOverride(name, column)),
    },
    options,
  });
}

/** One bar for each row: a text column names it, `value` names the number column. */
export function barGaugePanel(spec: CommonSpec & { readonly value: string }): ModernPanel {
  const options = {
    reduceOptions: { calcs: ['lastNotNull'], fields: `/^${spec.value}$/`, values: true },
    orientation: 'horizontal',
    displayMode: 'basic',
    valueMode: 'text',
    namePlacement: 'left',
    showUnfilled: true,
    sizing: 'auto',
    minVizWidth: 8,
    minVizHeight: 16,
    maxVizHeight: 32,
    legend: { showLegend: false, displayMode: 'list', placement: 'bottom', calcs: [] },
  } satisfies Plain<BarGaugeOptions>;
  return new ModernPanel({
    ...spec,
    type: 'bargauge',
    height: spec.height ?? 8,
    queries: [{ sql: spec.sql, format: 'table' }],
    fieldConfig: { defaults: { ...defaultsOf(spec), min: 0, color: { mode: 'thresholds' } }, overrides: [] },
    options,
  });
}

export interface TextSpec extends Pick<CommonSpec, 'id' | 'title' | 'about' | 'width' | 'height'> {
  readonly markdown: string;
}

/** A text without data. */
export function textPanel(spec: TextSpec): ModernPanel {
  const options = { mode: 'markdown', content: spec.markdown } satisfies Plain<TextOptions>;
  return new ModernPanel({
    ...spec,
    type: 'text',
    height: spec.height ?? 4,
    queries: [],
    fieldConfig: { defaults: {}, overrides: [] },
    options,
  });
}
