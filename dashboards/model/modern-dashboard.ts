import dashgen from 'grafana-dash-gen';
import type { ClassicDashboard, PlainAnnotation, PlainLink } from './grafana-types.ts';
import { layoutRows } from './grid-layout.ts';
import type { ModernPanel } from './modern-panel.ts';
import type { ModernVariable } from './variables.ts';

/** The last version of the Classic model; Grafana 11.6 to 13 read it as it is. */
const SCHEMA_VERSION = 42;

export interface RowSpec {
  readonly id: number;
  readonly title: string;
  readonly panels: readonly ModernPanel[];
}

export interface DashboardSpec {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly timeFrom: string;
  readonly refresh: string;
  readonly variables: readonly ModernVariable[];
  readonly annotations: readonly PlainAnnotation[];
  readonly links: readonly PlainLink[];
  readonly rows: readonly RowSpec[];
}

type LegacyDashboard = ReturnType<InstanceType<typeof dashgen.Dashboard>['generate']>;

/** A dash-gen row that keeps its id. */
class ModernRow extends dashgen.Row {
  readonly id: number;
  constructor(spec: RowSpec) {
    super({ title: spec.title, panels: [...spec.panels] });
    this.id = spec.id;
  }
}

/**
 * A dash-gen dashboard that writes the Classic model of today's Grafana: `panels` with `gridPos` instead of `rows`,
 * uid, description and shared cross-hair, none of the keys that Grafana has dropped.
 */
export class ModernDashboard extends dashgen.Dashboard {
  readonly spec: DashboardSpec;
  readonly #rows: readonly ModernRow[];

  constructor(spec: DashboardSpec) {
    super({ title: spec.title, tags: [...spec.tags], refresh: spec.refresh, schemaVersion: SCHEMA_VERSION });
    this.spec = spec;
    this.#rows = spec.rows.map((row) => new ModernRow(row));
    for (const row of this.#rows) this.addRow(row);
    for (const variable of spec.variables) this.addTemplate(variable);
  }

  classic(): ClassicDashboard {
    const { spec } = this;
    return {
      uid: spec.uid,
      title: spec.title,
      description: spec.description,
      tags: [...spec.tags],
      timezone: 'browser',
      editable: false,
      fiscalYearStartMonth: 0,
      graphTooltip: 1,
      schemaVersion: SCHEMA_VERSION,
      refresh: spec.refresh,
      time: { from: spec.timeFrom, to: 'now' },
      timepicker: {},
      annotations: { list: spec.annotations },
      templating: { list: spec.variables.map((variable) => variable.model) },
      links: spec.links,
      panels: layoutRows(
        this.#rows.map((row) => ({ id: row.id, title: row.state.title ?? '', panels: row.panels })),
      ),
    };
  }

  /** The Classic model, wherever dash-gen asks a dashboard for its JSON; its types still describe the old model. */
  override generate(): LegacyDashboard {
    return this.classic() as unknown as LegacyDashboard;
  }
}
