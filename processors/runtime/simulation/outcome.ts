import type { Row } from '../../../platform/clickhouse/port.ts';
import type { LogRecord } from '../../../platform/kafka/port.ts';

/** What a topology has said, as those who read it see it in the end. */
export interface Outcome {
  /** By topic, without the topics between its parts. */
  readonly topics: ReadonlyMap<string, readonly OutcomeRecord[]>;
  /** Every row that was written, in order, repetitions included. */
  readonly tables: ReadonlyMap<string, readonly Row[]>;
  readonly online: ReadonlyMap<string, string>;
}

export type OutcomeRecord = Pick<LogRecord, 'key' | 'value' | 'headers'>;

export interface ComparisonOptions {
  /**
   * Columns that name a row of a table of window results, beside `partition`: of rows with equal ones the highest version
   * counts. Tables of facts need none.
   */
  readonly rowKeys?: Readonly<Record<string, readonly string[]>>;
  /**
   * What of a record must be the same; its key and its bytes where absent. Ids and times that a step draws anew at each
   * attempt have to be left out.
   */
  readonly textOf?: (topic: string, record: OutcomeRecord) => string;
}

/** Columns that tell how often, by whom and when a row was written. */
const HOW_WRITTEN = new Set(['version', 'emitted_at']);

/** Where two outcomes differ, in words; empty where they do not. */
export function compareOutcomes(
  expected: Outcome,
  found: Outcome,
  options: ComparisonOptions = {},
): readonly string[] {
  const { textOf = plainText } = options;
  const topics = [...names(expected.topics, found.topics)].flatMap((topic) => {
    const texts = ({ topics: all }: Outcome) => (all.get(topic) ?? []).map((record) => textOf(topic, record));
    return differences(`record in ${topic}`, texts(expected), texts(found));
  });
  const tables = [...names(expected.tables, found.tables)].flatMap((table) => {
    const key = options.rowKeys?.[table];
    const texts = ({ tables: all }: Outcome) => rowTexts(all.get(table) ?? [], key);
    return differences(`row in ${table}`, texts(expected), texts(found));
  });
  const values = ({ online }: Outcome) => [...online].map(([name, value]) => `${name} = ${value}`);
  return [...topics, ...tables, ...differences('online value', values(expected), values(found))];
}

function names(one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): ReadonlySet<string> {
  return new Set([...one.keys(), ...other.keys()].sort());
}

function plainText(_topic: string, { key, value }: OutcomeRecord): string {
  return `${key?.toString() ?? 'null'}: ${value?.toString() ?? 'null'}`;
}

/** The rows that a reader sees: one for each place of a fact, the highest version of a result. */
function rowTexts(rows: readonly Row[], key: readonly string[] | undefined): readonly string[] {
  const seen = new Map<string, Row>();
  for (const row of rows) {
    const columns = '_offset' in row ? ['_topic', '_partition', '_offset', '_ordinal'] : key;
    const name = JSON.stringify(
      columns === undefined ? row : [row['partition'], ...columns.map((column) => row[column])],
    );
    const known = seen.get(name);
    if (known === undefined || Number(row['version'] ?? 0) >= Number(known['version'] ?? 0))
      seen.set(name, row);
  }
  return [...seen.values()].map((row) =>
    JSON.stringify(
      Object.fromEntries(
        Object.entries(row)
          .filter(([column]) => !HOW_WRITTEN.has(column))
          .sort(),
      ),
    ),
  );
}

function differences(what: string, expected: readonly string[], found: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const text of expected) counts.set(text, (counts.get(text) ?? 0) - 1);
  for (const text of found) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].flatMap(([text, count]) => {
    if (count === 0) return [];
    const times = Math.abs(count) === 1 ? '' : ` ${Math.abs(count)} times`;
    return [`${what} ${count > 0 ? 'too often' : 'missing'}${times}: ${text}`];
  });
}
