import { PLUGIN_VERSION, TARGET_FORMATS } from './clickhouse-target.ts';
import { CLICKHOUSE, GRAFANA, type PlainAnnotation } from './grafana-types.ts';

/** Alert states and hand-written notes, which Grafana keeps itself. */
export function builtInAnnotation(): PlainAnnotation {
  return {
    builtIn: 1,
    name: 'Annotations & Alerts',
    datasource: GRAFANA,
    enable: true,
    hide: true,
    iconColor: 'rgba(0, 211, 255, 1)',
    type: 'dashboard',
  };
}

export interface QueryAnnotationSpec {
  readonly name: string;
  readonly color: string;
  /** Columns `time`, `text` and, separated by commas, `tags`. */
  readonly sql: string;
  readonly enabled: boolean;
}

/** Marks on the time axis, from a query. */
export function queryAnnotation(spec: QueryAnnotationSpec): PlainAnnotation {
  return {
    name: spec.name,
    datasource: CLICKHOUSE,
    enable: spec.enabled,
    hide: false,
    iconColor: spec.color,
    target: {
      refId: 'Anno',
      datasource: CLICKHOUSE,
      pluginVersion: PLUGIN_VERSION,
      editorType: 'sql',
      queryType: 'table',
      format: TARGET_FORMATS.table,
      rawSql: spec.sql.trim(),
      meta: {},
    },
  };
}
