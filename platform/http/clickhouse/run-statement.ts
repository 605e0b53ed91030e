/** Runs one request against the engine: limits, guards, streams both ways, and an end when the client leaves. */
import type { ServerResponse } from 'node:http';
import type { EngineSession } from '../../clickhouse/engine-session.ts';
import { StatementError } from '../../clickhouse/statement-error.ts';
import {
  checkFileClauses,
  checkReader,
  checkReadOnly,
  checkStatement,
} from '../../clickhouse/statement-guard.ts';
import type { Answer, Summary } from './answer.ts';
import { insertParts } from './insert-parts.ts';
import { ResultBuffer } from './result-buffer.ts';
import type { Limits, SettingsOfRequest } from './setting-rules.ts';
import type { StatementRequest } from './statement-request.ts';

export interface Run {
  readonly session: EngineSession;
  readonly request: StatementRequest;
  readonly settings: SettingsOfRequest;
  readonly isReader: boolean;
  /** A reader, a GET, or `readonly=1`. */
  readonly isReadOnly: boolean;
  /** Answer only when the result is complete, so that a failure has its own status. */
  readonly waitForEnd: boolean;
  readonly answer: Answer;
  readonly response: ServerResponse;
  readonly limits: Limits;
  /** Folder for answers that are too large to be held in memory. */
  readonly spillDir: string;
  readonly startedMs: number;
  readonly now: () => number;
}

const TOKEN = 'insert_deduplication_token';
/** Settings with which a line end may stand inside of a value. */
const UNCUT_SETTINGS = [
  'format_csv_allow_single_quotes',
  'format_csv_delimiter',
  'input_format_allow_errors_num',
  'input_format_allow_errors_ratio',
];
const NO_RESULT: Summary = {
  readRows: 0,
  writtenRows: 0,
  writtenBytes: 0,
  resultRows: 0,
  resultBytes: 0,
  elapsedMs: 0,
};

export async function runStatement(run: Run): Promise<void> {
  const { session, request, settings, isReader, isReadOnly } = run;
  if (isReader && request.database.toLowerCase() === 'system')
    throw new StatementError(497, 'ACCESS_DENIED', 'this user may not use the database system');
  checkFileClauses(request.sql);
  await session.prepare({
    database: request.database,
    isReader,
    isReadOnly,
    settings: settings.settings,
    params: request.params,
  });
  const found = await session.inspect(request.sql);
  checkStatement(request.sql, found);
  if (isReadOnly) checkReadOnly(found);
  if (isReader) checkReader(found);
  if (request.insert !== undefined) return insert(run, request.insert);
  if (/^Select(WithUnion|IntersectExcept)?/.test(found.tree[0] ?? '')) return select(run);
  return execute(run);
}

/** Format of the answer: that of the statement, else that of the request. */
function formatOf({ sql, format }: StatementRequest): string {
  return /\bFORMAT\s+(\w+)\s*(?:SETTINGS\s[^;]*)?;?\s*$/i.exec(sql)?.[1] ?? format;
}

async function select(run: Run): Promise<void> {
  const { answer } = run;
  const blocks = limited(run, run.session.stream(run.request.sql, run.request.format));
  if (run.waitForEnd) return sendWhole(run, blocks);
  const format = formatOf(run.request);
  for await (const { bytes } of blocks) {
    // A failure before the first block still gets a status of its own.
    if (!answer.isStarted) answer.start(format, { ...NO_RESULT, elapsedMs: run.now() - run.startedMs });
    await answer.write(bytes);
    if (run.response.destroyed) throw leftError();
  }
  if (!answer.isStarted) answer.start(format, { ...NO_RESULT, elapsedMs: run.now() - run.startedMs });
  answer.end();
}

interface Block {
  readonly rows: number;
  readonly bytes: Uint8Array;
}

/** @throws StatementError 396 above the limits of a result */
async function* limited(run: Run, blocks: AsyncIterable<Block>): AsyncGenerator<Block> {
  const { maxResultRows, maxResultBytes } = run.settings;
  let rows = 0;
  let bytes = 0;
  for await (const block of blocks) {
    rows += block.rows;
    bytes += block.bytes.length;
    if (rows > maxResultRows) throw tooLarge(`rows: ${maxResultRows}`);
    if (bytes > maxResultBytes) throw tooLarge(`bytes: ${maxResultBytes}`);
    yield block;
  }
}

function tooLarge(limit: string): StatementError {
  return new StatementError(396, 'TOO_MANY_ROWS_OR_BYTES', `Limit for result exceeded, max ${limit}`);
}

function leftError(): StatementError {
  return new StatementError(735, 'QUERY_WAS_CANCELLED_BY_CLIENT', 'the client has left');
}

async function sendWhole(run: Run, blocks: AsyncIterable<Block>): Promise<void> {
  const { answer } = run;
  const buffer = new ResultBuffer(run.spillDir);
  try {
    let resultRows = 0;
    let resultBytes = 0;
    for await (const { rows, bytes } of blocks) {
      resultRows += rows;
      resultBytes += bytes.length;
      await buffer.add(bytes);
    }
    const elapsedMs = run.now() - run.startedMs;
    answer.start(formatOf(run.request), {
      ...NO_RESULT,
      readRows: resultRows,
      resultRows,
      resultBytes,
      elapsedMs,
    });
    for await (const bytes of buffer.read()) {
      await answer.write(bytes);
      if (run.response.destroyed) throw leftError();
    }
    answer.end();
  } finally {
    await buffer.close();
  }
}

async function execute(run: Run): Promise<void> {
  const { answer, request } = run;
  const { bytes } = await run.session.execute(request.sql, request.format);
  if (bytes.length > run.settings.maxResultBytes) throw tooLarge(`bytes: ${run.settings.maxResultBytes}`);
  answer.start(formatOf(request), {
    ...NO_RESULT,
    resultBytes: bytes.length,
    elapsedMs: run.now() - run.startedMs,
  });
  await answer.write(bytes);
  answer.end();
}

/** Part by part: memory holds one, and the client sends as fast as they are written. */
async function insert(run: Run, { format, data }: NonNullable<StatementRequest['insert']>): Promise<void> {
  const { session, request, limits, settings } = run;
  const token = settings.settings[TOKEN];
  const parts = insertParts(data, {
    format,
    mayCut: !request.sql.includes(TOKEN) && !UNCUT_SETTINGS.some((name) => name in settings.settings),
    partBytes: limits.insertPartBytes,
    maxWholeBytes: limits.maxWholeInsertBytes,
  });
  let writtenRows = 0;
  let writtenBytes = 0;
  let index = 0;
  for await (const part of parts) {
    if (isBlank(part)) continue;
    if (isSuspicious(format, part)) await takeLiterally(session);
    if (index > 0 && token !== undefined) await session.set(TOKEN, `${token}-${index}`);
    const written = await session.insert(request.sql, part);
    writtenRows += written.rowsWritten;
    writtenBytes += written.bytesWritten;
    index++;
  }
  run.answer.start(request.format, {
    ...NO_RESULT,
    readRows: writtenRows,
    writtenRows,
    writtenBytes,
    elapsedMs: run.now() - run.startedMs,
  });
  run.answer.end();
}

function isBlank(part: Buffer): boolean {
  return part.length < 1024 && /^[\s;]*$/.test(part.toString('latin1'));
}

/** Values are expressions, and the guards have not seen these. */
function isSuspicious(format: string, part: Buffer): boolean {
  if (format.toLowerCase() !== 'values') return false;
  return ['file', 'catboost', '`', '"'].some((text) => part.includes(text));
}

/** Whatever could call a function by a hidden name is read as a plain value, or refused. */
async function takeLiterally(session: EngineSession): Promise<void> {
  await session.set('input_format_values_interpret_expressions', '0');
  await session.set('input_format_values_deduce_templates_of_expressions', '0');
}
