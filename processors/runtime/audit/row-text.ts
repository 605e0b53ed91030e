import { TextHasher, type HashPair } from './hash-pair.ts';

/** Between the columns of a row, the members of an array, and a key and its value. */
export const COLUMN_END = '\u001e';
export const MEMBER_END = '\u001f';
const COLUMN_END_BYTE = COLUMN_END.charCodeAt(0);
const hasher = new TextHasher();
const bits = new DataView(new ArrayBuffer(8));

/**
 * The hash of a row as {@link rowTextSql} makes its text in ClickHouse: the texts of its columns in their order, each with
 * an end. Rows must give every column, times as epoch milliseconds and days as `YYYY-MM-DD`. The text itself is not made:
 * this runs for each row that a task says.
 */
export function hashRow(
  row: Readonly<Record<string, unknown>>,
  columns: readonly string[],
  into: HashPair,
): void {
  for (const column of columns) {
    const value = row[column];
    if (typeof value === 'string') hasher.add(value);
    else if (Number.isSafeInteger(value)) hasher.addInteger(value as number);
    else hasher.add(cellText(value));
    hasher.addByte(COLUMN_END_BYTE);
  }
  hasher.end(into);
}

/** The text of one value. */
export function cellText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      return numberText(value);
    case 'bigint':
      return value.toString();
    case 'boolean':
      return value ? '1' : '0';
    case 'object':
      return value === null ? 'null' : objectText(value);
    default:
      return 'null';
  }
}

function numberText(value: number): string {
  if (Number.isSafeInteger(value)) return value === 0 ? '0' : value.toString();
  bits.setFloat64(0, value);
  return bits.getBigUint64(0).toString();
}

function objectText(value: object): string {
  if (Array.isArray(value)) {
    let text = '[';
    for (const member of value as unknown[]) text += cellText(member) + MEMBER_END;
    return `${text}]`;
  }
  if (value instanceof Date) return value.getTime().toString();
  let text = '{';
  const entries = Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1));
  for (const [key, member] of entries) text += key + MEMBER_END + cellText(member) + MEMBER_END;
  return `${text}}`;
}
