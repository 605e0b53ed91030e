import { CLICKHOUSE } from './grafana-types.ts';

/** Result shapes of the ClickHouse data source, by the number that its backend reads. */
export const TARGET_FORMATS = { timeseries: 0, table: 1 } as const;
export type TargetFormat = keyof typeof TARGET_FORMATS;

/** Version of the data source plugin whose query model is written. */
export const PLUGIN_VERSION = '4.20.0';

export interface ClickHouseQuery {
  readonly sql: string;
  /** `timeseries`: a column `time`, an optional text column, numbers. `table`: anything. */
  readonly format: TargetFormat;
}

/**
 * A raw SQL query of the official ClickHouse data source. It stands beside dash-gen's `Target`, which knows Graphite
 * functions only and would pass the SQL through `util.format`.
 */
export class ClickHouseTarget {
  readonly query: ClickHouseQuery;

  constructor(query: ClickHouseQuery) {
    this.query = query;
  }

  /** @param refId Letter of the query, unique in its panel. */
  generate(refId: string): Record<string, unknown> {
    const { sql, format } = this.query;
    return {
      refId,
      datasource: CLICKHOUSE,
      pluginVersion: PLUGIN_VERSION,
      editorType: 'sql',
      queryType: format,
      format: TARGET_FORMATS[format],
      rawSql: sql.trim(),
      meta: {},
    };
  }
}
