/**
 * Cuts the data of an insert into parts at the ends of rows, so that memory holds one part however long the body is.
 * Each part is an insert of its own: when one fails, those before it stay.
 */
import { StatementError } from '../../clickhouse/statement-error.ts';

interface RowFormat {
  /** Lines in front of the rows that every part needs. */
  readonly headerLines: number;
  /** Length of the whole rows at the beginning of the bytes; 0 where no row ends. */
  readonly wholeRows: (bytes: Buffer) => number;
}

const NEWLINE = 0x0a;
const QUOTE = 0x22;

const afterLastLine = (bytes: Buffer) => bytes.lastIndexOf(NEWLINE) + 1;
const LINES: RowFormat = { headerLines: 0, wholeRows: afterLastLine };
const CSV: RowFormat = { headerLines: 0, wholeRows: afterLastCsvRow };
/** Values of one row are parted by commas, so that such a line end stands between rows only. */
const OBJECTS: RowFormat = { headerLines: 0, wholeRows: afterLast('}\n{', '}\r\n{') };
const ARRAYS: RowFormat = { headerLines: 0, wholeRows: afterLast(']\n[', ']\r\n[') };

const withHeader = (format: RowFormat, headerLines: number): RowFormat => ({ ...format, headerLines });

const FORMATS = new Map<string, RowFormat>(
  Object.entries({
    TabSeparated: LINES,
    TSV: LINES,
    TabSeparatedRaw: LINES,
    TSVRaw: LINES,
    TabSeparatedWithNames: withHeader(LINES, 1),
    TSVWithNames: withHeader(LINES, 1),
    TabSeparatedWithNamesAndTypes: withHeader(LINES, 2),
    TSVWithNamesAndTypes: withHeader(LINES, 2),
    TSKV: LINES,
    LineAsString: LINES,
    CSV,
    CSVWithNames: withHeader(CSV, 1),
    CSVWithNamesAndTypes: withHeader(CSV, 2),
    JSONEachRow: OBJECTS,
    JSONLines: OBJECTS,
    NDJSON: OBJECTS,
    JSONStringsEachRow: OBJECTS,
    JSONCompactEachRow: ARRAYS,
    JSONCompactStringsEachRow: ARRAYS,
    JSONCompactEachRowWithNames: withHeader(ARRAYS, 1),
    JSONCompactEachRowWithNamesAndTypes: withHeader(ARRAYS, 2),
    JSONCompactStringsEachRowWithNames: withHeader(ARRAYS, 1),
    JSONCompactStringsEachRowWithNamesAndTypes: withHeader(ARRAYS, 2),
  }).map(([name, format]) => [name.toLowerCase(), format]),
);

export interface PartOptions {
  readonly format: string;
  /** False where the parts could not be told apart, as with a deduplication token for the whole insert. */
  readonly mayCut: boolean;
  readonly partBytes: number;
  readonly maxWholeBytes: number;
}

/** @throws StatementError 229 where the data are too long and cannot be cut */
export async function* insertParts(
  body: AsyncIterable<Uint8Array>,
  { format, mayCut, partBytes, maxWholeBytes }: PartOptions,
): AsyncGenerator<Buffer> {
  const rowFormat = mayCut ? FORMATS.get(format.toLowerCase()) : undefined;
  let header: Buffer | undefined;
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let nextCut = partBytes;
  for await (const chunk of body) {
    pending.push(chunk);
    pendingBytes += chunk.length;
    if (pendingBytes < nextCut) continue;
    const whole = Buffer.concat(pending);
    const length = rowFormat?.wholeRows(whole) ?? 0;
    if (length === 0) {
      if (pendingBytes > maxWholeBytes) throw tooLong(format, maxWholeBytes);
      pending = [whole];
      nextCut = Math.min(pendingBytes * 2, maxWholeBytes + 1);
      continue;
    }
    const rows = whole.subarray(0, length);
    yield header === undefined ? rows : Buffer.concat([header, rows]);
    header ??= firstLines(rows, rowFormat?.headerLines ?? 0);
    pending = [whole.subarray(length)];
    pendingBytes -= length;
    nextCut = partBytes;
  }
  if (pendingBytes > maxWholeBytes) throw tooLong(format, maxWholeBytes);
  if (pendingBytes > 0) yield Buffer.concat(header === undefined ? pending : [header, ...pending]);
}

function tooLong(format: string, maxBytes: number): StatementError {
  return new StatementError(
    229,
    'QUERY_IS_TOO_LARGE',
    `an insert in the format ${format} that cannot be cut into rows holds at most ${maxBytes} bytes: send it in parts`,
  );
}

function firstLines(bytes: Buffer, lines: number): Buffer | undefined {
  let end = 0;
  for (let line = 0; line < lines; line++) end = bytes.indexOf(NEWLINE, end) + 1;
  return lines === 0 ? undefined : Buffer.from(bytes.subarray(0, end));
}

function afterLast(...patterns: readonly string[]): (bytes: Buffer) => number {
  return (bytes) =>
    Math.max(
      0,
      ...patterns.map((pattern) => {
        const index = bytes.lastIndexOf(pattern);
        return index === -1 ? 0 : index + pattern.length - 1;
      }),
    );
}

/** A line end inside of quotes belongs to a value; a doubled quote leaves the count as it was. */
function afterLastCsvRow(bytes: Buffer): number {
  let end = 0;
  let isQuoted = false;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    if (byte === QUOTE) isQuoted = !isQuoted;
    else if (byte === NEWLINE && !isQuoted) end = index + 1;
  }
  return end;
}
