import dashgen from 'grafana-dash-gen';
import { CLICKHOUSE, type PlainVariable } from './grafana-types.ts';

/**
 * A template variable of today's Grafana. `Templates.Custom` is the base because `Dashboard.addTemplate` takes it; its
 * own state is not written.
 */
export class ModernVariable extends dashgen.Templates.Custom {
  readonly model: PlainVariable;

  constructor(model: PlainVariable) {
    super({ name: model.name });
    this.model = model;
  }
}

/** Uid and name of the provisioned data source, which the `datasource` variable starts with. */
export const DATASOURCE_UID = 'millrace-clickhouse';
export const DATASOURCE_NAME = 'Millrace ClickHouse';

/** Which ClickHouse the dashboard reads; stands first. */
export function datasourceVariable(): ModernVariable {
  return new ModernVariable({
    name: 'datasource',
    label: 'ClickHouse',
    type: 'datasource',
    query: CLICKHOUSE.type,
    refresh: 1,
    hide: 0,
    multi: false,
    includeAll: false,
    regex: '',
    skipUrlSync: false,
    options: [],
    current: { text: DATASOURCE_NAME, value: DATASOURCE_UID },
  });
}

export interface QueryVariableSpec {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  /** One column: the values. */
  readonly sql: string;
}

/** Several values or All, which {@link onlySelected} turns into no condition. */
export function queryVariable(spec: QueryVariableSpec): ModernVariable {
  return new ModernVariable({
    name: spec.name,
    label: spec.label,
    description: spec.description,
    type: 'query',
    datasource: CLICKHOUSE,
    definition: spec.sql,
    query: { refId: `variable-${spec.name}`, queryType: 'sql', editorType: 'sql', rawSql: spec.sql },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    hide: 0,
    regex: '',
    skipUrlSync: false,
    options: [],
    current: { text: ['All'], value: ['$__all'] },
  });
}

/** Condition that keeps the chosen values of a variable, and everything under All. */
export function onlySelected(column: string, variable: string): string {
  return `$__conditionalAll(${column} IN (\${${variable}:singlequote}), $${variable})`;
}
