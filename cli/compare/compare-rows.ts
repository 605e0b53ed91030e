/** A record of an output topic: JSON text as key and as value; null takes the row back. */
export interface OutputRecord {
  readonly key: string;
  readonly value: string | null;
}

export interface RowComparison {
  /** Final rows that at least one of the two sides has. */
  readonly rows: number;
  /** Rows that only one side has or whose values differ. */
  readonly different: number;
  /** The first differences, in the order of their keys, for a reader. */
  readonly examples: readonly string[];
}

export interface CompareOptions {
  readonly ours: readonly OutputRecord[];
  readonly theirs: readonly OutputRecord[];
  /** Rows to leave out, by the key as it was written. */
  readonly isIgnored?: (key: string) => boolean;
}

const MAX_EXAMPLES = 5;

/**
 * Compares the final results of two runs: the last value of each key counts, in the order of the log, and null means
 * that there is no row. JSON that differs only in the order of its members or in white space is the same.
 */
export function compareRows(options: CompareOptions): RowComparison {
  const { isIgnored = () => false } = options;
  const ours = finalRows(options.ours, isIgnored);
  const theirs = finalRows(options.theirs, isIgnored);
  const keys = [...new Set([...ours.keys(), ...theirs.keys()])];
  const different = keys.filter((key) => ours.get(key) !== theirs.get(key)).sort();
  const examples = different
    .slice(0, MAX_EXAMPLES)
    .map((key) => `${key}: ours ${rowText(ours.get(key))}, theirs ${rowText(theirs.get(key))}`);
  return { rows: keys.length, different: different.length, examples };
}

function rowText(value: string | undefined): string {
  return value ?? 'has no row';
}

function finalRows(
  records: readonly OutputRecord[],
  isIgnored: (key: string) => boolean,
): ReadonlyMap<string, string> {
  const rows = new Map<string, string>();
  for (const { key, value } of records) {
    if (isIgnored(key)) continue;
    if (value === null) rows.delete(canonical(key));
    else rows.set(canonical(key), canonical(value));
  }
  return rows;
}

/** JSON text with members in the order of their names; text that is no JSON stays as it is. */
function canonical(text: string): string {
  try {
    return JSON.stringify(sorted(JSON.parse(text)));
  } catch {
    return text;
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]));
}
