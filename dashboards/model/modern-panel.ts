import dashgen from 'grafana-dash-gen';
import { ClickHouseTarget, type ClickHouseQuery } from './clickhouse-target.ts';
import { CLICKHOUSE, type PlainFieldConfig, type PlainLink, type PlainPanel } from './grafana-types.ts';

/** What a reader needs to use a panel; all three parts are shown behind its (i). */
export interface PanelAbout {
  /** What is drawn, and how it is counted. */
  readonly what: string;
  /** Why it matters. */
  readonly why: string;
  /** What to do when it looks wrong. */
  readonly action: string;
}

export interface PanelSpec {
  /** Unique in the dashboard and never reused: links and alert rules point at it. */
  readonly id: number;
  readonly type: 'timeseries' | 'stat' | 'table' | 'bargauge' | 'text';
  readonly title: string;
  readonly about: PanelAbout;
  readonly queries: readonly ClickHouseQuery[];
  /** Columns of 24. */
  readonly width: number;
  /** Grid rows of 30 pixels. */
  readonly height: number;
  readonly fieldConfig: PlainFieldConfig;
  readonly options: Record<string, unknown>;
  /** Smallest bucket, such as `1m`: the resolution of the data. */
  readonly interval?: string | undefined;
  readonly links?: readonly PlainLink[] | undefined;
}

/**
 * A panel of today's Grafana in a dash-gen row. It derives from `Panels.Text`, the smallest panel class of the
 * library, so that `Row.addPanel` takes it; nothing of that class's Angular-era state is written.
 */
export class ModernPanel extends dashgen.Panels.Text {
  readonly spec: PanelSpec;

  constructor(spec: PanelSpec) {
    super({ id: spec.id, title: spec.title });
    this.spec = spec;
  }

  /** The panel's JSON without its place, which the dashboard computes. */
  classic(): Omit<PlainPanel, 'gridPos'> & { readonly id: number } {
    const { id, type, title, about, queries, fieldConfig, options, interval, links } = this.spec;
    return {
      id,
      type,
      title,
      description: `${about.what}\n\n**Why:** ${about.why}\n\n**What to do:** ${about.action}`,
      datasource: CLICKHOUSE,
      fieldConfig,
      options,
      ...(interval === undefined ? {} : { interval }),
      ...(links === undefined ? {} : { links: [...links] }),
      ...(queries.length === 0
        ? {}
        : { targets: queries.map((query, index) => new ClickHouseTarget(query).generate(refIdOf(index))) }),
    };
  }
}

function refIdOf(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index);
}
