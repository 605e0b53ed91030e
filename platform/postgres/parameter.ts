/** A value that goes into a json or jsonb column as it is: see {@link json}. */
export class Json {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Marks an array, a string, a number or null as JSON; plain objects are JSON without it. */
export function json(value: unknown): Json {
  return new Json(JSON.stringify(value ?? null));
}

/**
 * PostgreSQL's text of a value, the same for both engines, which would each do it in a way of their own.
 * @throws TypeError for what has no text: functions, symbols, invalid dates, holes in arrays
 */
export function encodeParameter(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'object':
      return encodeObject(value);
    default:
      throw new TypeError(`a ${typeof value} cannot be a parameter`);
  }
}

function encodeObject(value: object): string {
  if (value instanceof Json) return value.text;
  if (value instanceof Date) return encodeDate(value);
  if (value instanceof Uint8Array) {
    return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
  }
  if (Array.isArray(value)) return encodeArray(value);
  return JSON.stringify(value);
}

/** ISO 8601 has years of four digits and a sign beyond; PostgreSQL takes neither a sign nor a year 0. */
function encodeDate(date: Date): string {
  const text = date.toISOString(); // throws a RangeError where it is no date
  const year = date.getUTCFullYear();
  if (year >= 1 && year <= 9999) return text;
  const rest = text.slice(text.indexOf('-', 1));
  return year > 9999 ? `${year}${rest}` : `${String(1 - year).padStart(4, '0')}${rest} BC`;
}

/** An array literal (PostgreSQL manual, "Array Input and Output Syntax"). */
function encodeArray(values: readonly unknown[]): string {
  const elements = values.map((value) => {
    if (Array.isArray(value)) return encodeArray(value);
    const text = encodeParameter(value);
    return text === null ? 'NULL' : `"${text.replace(/["\\]/g, '\\$&')}"`;
  });
  return `{${elements.join(',')}}`;
}
