import { TARGET_FORMATS } from '../model/clickhouse-target.ts';
import type { ClassicDashboard } from '../model/grafana-types.ts';
import { expandMacros, expandTemplate } from '../sql-macros.ts';
import { annotationQueries, contentPanels, panelQueries, variableQueries, type PlacedQuery } from './walk.ts';

const ANY_RANGE = { fromMs: 0, toMs: 3_600_000, intervalMs: 60_000 };

/** Names of the template variables in a text; Grafana's own begin with two underscores. */
export function variablesIn(text: string): readonly string[] {
  return [...text.matchAll(/\$\{?(\w+)/g)]
    .map((match) => match[1] ?? '')
    .filter((name) => !name.startsWith('__'));
}

/** Why the macros of a query cannot be expanded, if so. */
export function macroFaults(sql: string, variables: readonly string[]): readonly string[] {
  const selection = Object.fromEntries(variables.map((name) => [name, ['a', 'b']]));
  try {
    expandMacros(expandTemplate(sql, selection), ANY_RANGE);
    return [];
  } catch (error) {
    if (error instanceof SyntaxError) return [error.message];
    throw error;
  }
}

function aliasFaults(query: PlacedQuery): readonly string[] {
  const { sql } = query;
  if (query.format === TARGET_FORMATS.timeseries) {
    return [
      /\bAS time\b/.test(sql) ? '' : 'a time series needs a column named time',
      /\bORDER BY time\b/.test(sql) ? '' : 'a time series must be ordered by time',
      sql.includes('< toStartOfInterval(') ? '' : 'the last bucket may be partial (use wholeBuckets)',
    ].filter((fault) => fault !== '');
  }
  return query.format === TARGET_FORMATS.table ? [] : [`format ${query.format} is not known`];
}

function annotationAliasFaults(query: PlacedQuery): readonly string[] {
  return ['time', 'text']
    .filter((column) => !new RegExp(`\\bAS ${column}\\b`).test(query.sql))
    .map((column) => `${query.where}: no column named ${column}`);
}

/** Undeclared variables, unknown macros, missing aliases in the queries of a dashboard. */
export function sqlFaults(dashboard: ClassicDashboard): readonly string[] {
  const declared = dashboard.templating.list.map((variable) => variable.name);
  const queries = contentPanels(dashboard).flatMap(panelQueries);
  const annotations = annotationQueries(dashboard);
  const all = [...queries, ...annotations, ...variableQueries(dashboard)];
  return [
    ...all.flatMap((query) => [
      ...variablesIn(query.sql)
        .filter((name) => !declared.includes(name))
        .map((name) => `${query.where}: variable ${name} is not declared`),
      ...macroFaults(query.sql, variablesIn(query.sql)).map((fault) => `${query.where}: ${fault}`),
    ]),
    ...queries.flatMap((query) => aliasFaults(query).map((fault) => `${query.where}: ${fault}`)),
    ...annotations.flatMap(annotationAliasFaults),
  ];
}
