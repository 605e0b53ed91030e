/**
 * What a statement may not do whoever sends it, and what a reader may not see. The engine's own parser says what the
 * statement is (EXPLAIN AST, names decoded), so no quoting or comment hides a name. Rights of the engine come on top:
 * they refuse table functions that read files or other servers.
 */
import { StatementError } from './statement-error.ts';

/** What the engine's parser says of a text. */
export interface Inspection {
  readonly statements: number;
  readonly isRead: boolean;
  /** The lines of EXPLAIN AST; empty where it has none. */
  readonly tree: readonly string[];
}

/** Engines and dictionary sources that keep to the data of this engine. */
const OWN_ENGINES =
  /^(\w*MergeTree|Memory|Log|TinyLog|StripeLog|Null|Set|Join|Buffer|Merge|View|MaterializedView|LiveView|WindowView|Dictionary|GenerateRandom|EmbeddedRocksDB|KeeperMap|Atomic|Ordinary|Replicated|Alias|FuzzQuery|TimeSeries|Loop)$/;
const OWN_SOURCES = new Set(['null']);
/** Functions that read the disk of the machine although no right guards them. */
const DISK_FUNCTIONS = new Set(['file', 'catboostEvaluate']);
/** Table functions that reach a table by a computed name. */
const INDIRECT = new Set(['merge', 'loop', 'cluster', 'clusterAllReplicas', 'dictionary', 'executable']);

/** Tables of `system` without statements of others, errors, paths or credentials. */
const OPEN_SYSTEM_TABLES = new Set([
  'one',
  'numbers',
  'numbers_mt',
  'zeros',
  'zeros_mt',
  'tables',
  'columns',
  'databases',
  'functions',
  'data_type_families',
  'formats',
  'settings',
  'merge_tree_settings',
  'table_engines',
  'table_functions',
  'aggregate_function_combinators',
  'collations',
  'keywords',
  'completions',
  'time_zones',
  'contributors',
  'licenses',
  'build_options',
  'parts',
  'parts_columns',
  'dictionaries',
  'metrics',
  'asynchronous_metrics',
  'events',
]);

function denied(message: string): StatementError {
  return new StatementError(497, 'ACCESS_DENIED', message);
}

/**
 * @throws StatementError 62 for several statements, 358 for INTO OUTFILE, 497 for what reads or writes beyond the engine
 */
export function checkStatement(sql: string, found: Inspection): void {
  if (found.statements > 1) throw new StatementError(62, 'SYNTAX_ERROR', 'Multi-statements are not allowed');
  const isDefinition = /^(Create|Attach)/.test(found.tree[0] ?? '');
  let storage = -1;
  for (const [index, line] of found.tree.entries()) {
    if (line.trimStart().startsWith('Storage definition')) storage = index;
    const name = /^\s*Function (\S+)/.exec(line)?.[1];
    if (name === undefined) {
      checkSource(line, isDefinition);
    } else if (index === storage + 1 && storage >= 0) {
      if (!OWN_ENGINES.test(name)) throw denied(`the engine ${name} reaches beyond this server`);
    } else if (DISK_FUNCTIONS.has(name)) throw denied(`the function ${name} reads the disk of the server`);
  }
  // EXPLAIN AST does not name the function that APPLY takes.
  if (/file|catboost|\\/i.test(sql) && found.tree.some((line) => line.includes('ApplyTransformer')))
    throw denied('APPLY is not allowed together with such a name');
}

function checkSource(line: string, isDefinition: boolean): void {
  const source = /^\s*FunctionWithKeyValueArguments\s+(\S+)/.exec(line)?.[1];
  if (isDefinition && source !== undefined && !OWN_SOURCES.has(source.toLowerCase()))
    throw denied(`a dictionary may not take its data from ${source}: that reaches beyond this server`);
}

/** INTO OUTFILE and FROM INFILE, which the engine in process would carry out on the disk of this machine. */
export function checkFileClauses(sql: string): void {
  const text = withoutComments(sql);
  if (/\binto\s+outfile\b/i.test(text))
    throw new StatementError(358, 'INTO_OUTFILE_NOT_ALLOWED', 'INTO OUTFILE is not allowed over HTTP');
  if (/\bfrom\s+infile\b/i.test(text)) throw denied('FROM INFILE is not allowed over HTTP');
}

/** Comments become a space, also where they stand in a text: this reading only ever refuses more. */
function withoutComments(sql: string): string {
  return sql.replace(/\/\*[\s\S]*?\*\/|--[^\n]*|#[ !][^\n]*/g, ' ');
}

/** @throws StatementError 164 where the statement is no read */
export function checkReadOnly(found: Inspection): void {
  if (!found.isRead || found.statements !== 1)
    throw new StatementError(164, 'READONLY', 'Cannot execute query in readonly mode');
}

/** @throws StatementError 497 for what a reader may not see */
export function checkReader(found: Inspection): void {
  const [top = ''] = found.tree;
  if (/^ShowProcesslist/.test(top)) throw denied('this user may not see the statements of others');
  for (const line of found.tree) {
    const table = /^\s*(?:TableIdentifier|Identifier) system\.([^\s.]+)/i.exec(line)?.[1];
    if (table !== undefined && !OPEN_SYSTEM_TABLES.has(table))
      throw denied(`this user may not read system.${table}`);
    const name = /^\s*Function (\S+)/.exec(line)?.[1];
    if (name !== undefined && INDIRECT.has(name)) throw denied(`this user may not call ${name}`);
  }
}
