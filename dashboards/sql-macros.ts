/**
 * What Grafana and the ClickHouse data source turn a query into before it is sent: template variables and
 * `$__conditionalAll` in the browser, then the macros in the plugin's backend. Written from the plugin's
 * documentation of its macros, so that the queries can be run without Grafana. A macro that is not listed is an error.
 */

export interface TimeRange {
  /** Epoch milliseconds. */
  readonly fromMs: number;
  readonly toMs: number;
}

export interface MacroContext extends TimeRange {
  /** Width of a bucket, which Grafana computes from the range and the panel's minimum. */
  readonly intervalMs: number;
}

type Expansion = (args: readonly string[], context: MacroContext) => string;

interface Macro {
  readonly arity: number;
  readonly expand: Expansion;
}

const seconds = (ms: number) => `toDateTime(${Math.floor(ms / 1000)})`;
const millis = (ms: number) => `fromUnixTimestamp64Milli(${Math.floor(ms)})`;
const day = (ms: number) => `toDate('${new Date(ms).toISOString().slice(0, 10)}')`;

function between(column: string, range: TimeRange, literal: (ms: number) => string): string {
  return `${column} >= ${literal(range.fromMs)} AND ${column} <= ${literal(range.toMs)}`;
}

const wholeSeconds = (context: MacroContext) => Math.max(Math.floor(context.intervalMs / 1000), 1);
const wholeMillis = (context: MacroContext) => Math.max(Math.floor(context.intervalMs), 1);

const dateAndTime: Macro = {
  arity: 2,
  expand: ([date = '', time = ''], context) =>
    `(${between(date, context, day)}) AND (${between(time, context, seconds)})`,
};

/** The backend macros by their name after `$__`. */
export const MACROS: Readonly<Record<string, Macro>> = {
  fromTime: { arity: 0, expand: (_, context) => seconds(context.fromMs) },
  toTime: { arity: 0, expand: (_, context) => seconds(context.toMs) },
  fromTime_ms: { arity: 0, expand: (_, context) => millis(context.fromMs) },
  toTime_ms: { arity: 0, expand: (_, context) => millis(context.toMs) },
  timeFilter: { arity: 1, expand: ([column = ''], context) => between(column, context, seconds) },
  timeFilter_ms: { arity: 1, expand: ([column = ''], context) => between(column, context, millis) },
  dateFilter: { arity: 1, expand: ([column = ''], context) => between(column, context, day) },
  dateTimeFilter: dateAndTime,
  dt: dateAndTime,
  timeInterval: {
    arity: 1,
    expand: ([column = ''], context) =>
      `toStartOfInterval(toDateTime(${column}), INTERVAL ${wholeSeconds(context)} second)`,
  },
  timeInterval_ms: {
    arity: 1,
    expand: ([column = ''], context) =>
      `toStartOfInterval(toDateTime64(${column}, 3), INTERVAL ${wholeMillis(context)} millisecond)`,
  },
  interval_s: { arity: 0, expand: (_, context) => String(wholeSeconds(context)) },
};

interface Call {
  readonly end: number;
  readonly args: readonly string[];
}

/** The call of which the text begins at `start`: name, then arguments in balanced parentheses, if any follow. */
function callAt(sql: string, start: number, nameLength: number): Call {
  const open = start + nameLength;
  if (sql[open] !== '(') return { end: open, args: [] };
  const args: string[] = [];
  let depth = 0;
  let from = open + 1;
  for (let index = open; index < sql.length; index++) {
    const char = sql[index];
    if (char === '(') depth++;
    if (char === ')') depth--;
    if ((char === ',' && depth === 1) || depth === 0) {
      args.push(sql.slice(from, index).trim());
      from = index + 1;
    }
    if (depth === 0) return { end: index + 1, args };
  }
  throw new SyntaxError(`no closing parenthesis after ${sql.slice(start, start + 40)}`);
}

/**
 * Expands the backend macros.
 * @throws SyntaxError for an unknown macro, a wrong number of arguments, or parentheses in an argument: the plugin's
 * own parser has not always balanced them.
 */
export function expandMacros(sql: string, context: MacroContext): string {
  let text = '';
  let done = 0;
  for (const match of sql.matchAll(/\$__(\w+)/g)) {
    const name = match[1] ?? '';
    const macro = MACROS[name];
    if (macro === undefined) throw new SyntaxError(`unknown macro $__${name}`);
    const end = match.index + match[0].length;
    const call = macro.arity === 0 ? { end, args: [] } : callAt(sql, match.index, match[0].length);
    if (call.args.length !== macro.arity) {
      throw new SyntaxError(`$__${name} takes ${macro.arity} arguments, not ${call.args.length}`);
    }
    if (call.args.some((arg) => /[()]/.test(arg)))
      throw new SyntaxError(`parentheses in an argument of $__${name}`);
    text += sql.slice(done, match.index) + macro.expand(call.args, context);
    done = call.end;
  }
  return text + sql.slice(done);
}

/** Chosen values by variable; absent or empty means All. */
export type Selection = Readonly<Record<string, readonly string[]>>;

function expandConditionalAll(sql: string, selection: Selection): string {
  const name = '$__conditionalAll';
  let text = sql;
  for (let start = text.lastIndexOf(name); start !== -1; start = text.lastIndexOf(name)) {
    const call = callAt(text, start, name.length);
    const [condition = '', variable = ''] = call.args;
    const match = /^\$(\w+)$/.exec(variable);
    if (call.args.length !== 2 || match?.[1] === undefined) {
      throw new SyntaxError(`$__conditionalAll needs a condition and one plain $variable, not ${variable}`);
    }
    const chosen = selection[match[1]] ?? [];
    text = text.slice(0, start) + (chosen.length === 0 ? '1=1' : condition) + text.slice(call.end);
  }
  return text;
}

/**
 * Expands `$__conditionalAll` and `${variable:singlequote}`.
 * @throws SyntaxError where a variable without a choice is left outside of `$__conditionalAll`.
 */
export function expandTemplate(sql: string, selection: Selection): string {
  return expandConditionalAll(sql, selection).replace(
    /\$\{(\w+)(?::(\w+))?\}/g,
    (text, name: string, format: string | undefined) => {
      const chosen = selection[name];
      if (chosen === undefined || chosen.length === 0) throw new SyntaxError(`no value for ${text}`);
      if (format !== 'singlequote')
        throw new SyntaxError(`${text}: only the format singlequote is safe in SQL`);
      return chosen.map((value) => `'${value.replaceAll("'", "\\'")}'`).join(',');
    },
  );
}
