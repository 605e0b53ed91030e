import type { ClassicDashboard, PlainPanel, PlainRowPanel } from '../model/grafana-types.ts';

export interface PlacedQuery {
  /** Where the query stands, for a message. */
  readonly where: string;
  readonly refId: string;
  readonly datasourceUid: string;
  readonly format: number;
  readonly sql: string;
}

export function isRow(panel: PlainPanel | PlainRowPanel): panel is PlainRowPanel {
  return panel.type === 'row';
}

/** Panels without the row headers. */
export function contentPanels(dashboard: ClassicDashboard): readonly PlainPanel[] {
  return dashboard.panels.filter((panel) => !isRow(panel));
}

function asQuery(where: string, target: Readonly<Record<string, unknown>>): PlacedQuery {
  const { refId, datasource, format, rawSql } = target;
  const uid =
    typeof datasource === 'object' && datasource !== null && 'uid' in datasource ? datasource.uid : '';
  return {
    where,
    refId: typeof refId === 'string' ? refId : '',
    datasourceUid: typeof uid === 'string' ? uid : '',
    format: typeof format === 'number' ? format : Number.NaN,
    sql: typeof rawSql === 'string' ? rawSql : '',
  };
}

export function panelQueries(panel: PlainPanel): readonly PlacedQuery[] {
  return (panel.targets ?? []).map((target) => asQuery(`panel ${panel.id ?? '?'}`, target));
}

export function annotationQueries(dashboard: ClassicDashboard): readonly PlacedQuery[] {
  return dashboard.annotations.list.flatMap((annotation) =>
    annotation.target === undefined ? [] : [asQuery(`annotation ${annotation.name}`, annotation.target)],
  );
}

/** The queries of query variables. */
export function variableQueries(dashboard: ClassicDashboard): readonly PlacedQuery[] {
  return dashboard.templating.list.flatMap((variable) =>
    typeof variable.query === 'object'
      ? [
          asQuery(`variable ${variable.name}`, {
            ...variable.query,
            datasource: variable.datasource,
            format: 1,
          }),
        ]
      : [],
  );
}
