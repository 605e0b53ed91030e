import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { StatementError } from '../../clickhouse/statement-error.ts';
import { findInsertHead } from './insert-head.ts';
import { readMultipart } from './multipart.ts';
import { openBody, peek, readWhole } from './request-body.ts';
import type { Limits } from './setting-rules.ts';

/** What a request asks for, read from its URL, headers and body. */
export interface StatementRequest {
  readonly queryId: string;
  readonly database: string;
  /** Format of the answer where the statement names none. */
  readonly format: string;
  readonly params: Readonly<Record<string, string>>;
  readonly sql: string;
  /** Present for an insert with its data. */
  readonly insert?: { readonly format: string; readonly data: AsyncIterable<Buffer> };
}

/** An INSERT names its table, columns and settings within these bytes. */
const HEAD_BYTES = 256 * 1024;
const REFUSED_PARAMETERS = {
  session_id: 'sessions are not supported here: each request stands alone',
  role: 'roles are not supported here',
  compress: "ClickHouse's own compression is not supported here: use enable_http_compression and gzip",
  decompress: "ClickHouse's own compression is not supported here: use Content-Encoding: gzip",
} as const;

/** Headers that name what the URL may name as well. */
export function urlOf(request: IncomingMessage): URLSearchParams {
  const query = new URL(request.url ?? '/', 'http://localhost').searchParams;
  for (const [header, name] of [
    ['x-clickhouse-database', 'database'],
    ['x-clickhouse-format', 'default_format'],
  ] as const) {
    const value = request.headers[header];
    if (typeof value === 'string') query.set(name, value);
  }
  return query;
}

/** @throws StatementError */
export async function readRequest(
  request: IncomingMessage,
  query: URLSearchParams,
  limits: Limits,
): Promise<StatementRequest> {
  for (const [name, why] of Object.entries(REFUSED_PARAMETERS)) {
    const value = query.get(name);
    if (value !== null && value !== '' && value !== '0') throw new StatementError(48, 'NOT_IMPLEMENTED', why);
  }
  const type = request.headers['content-type'] ?? '';
  if (/^multipart\/form-data\b/i.test(type)) return readForm(request, query, limits, type);
  const inUrl = query.get('query') ?? '';
  const body = openBody(request, limits.maxInsertBytes);
  const base = baseOf(query, paramsOf(query, limits.maxParams));
  if (request.method === 'GET' || request.method === 'HEAD') return { ...base, sql: inUrl };
  return inUrl === '' ? fromBody(base, body, limits) : fromUrl(base, inUrl, body, limits);
}

type Base = Omit<StatementRequest, 'sql' | 'insert'>;

function baseOf(query: URLSearchParams, params: Readonly<Record<string, string>>): Base {
  return {
    queryId: query.get('query_id') || randomUUID(),
    database: query.get('database') || 'default',
    format: query.get('default_format') || 'TabSeparated',
    params,
  };
}

function paramsOf(query: Iterable<readonly [string, string]>, maxParams: number): Record<string, string> {
  const params: Record<string, string> = {};
  let count = 0;
  for (const [name, value] of query) {
    if (!name.startsWith('param_')) continue;
    if (++count > maxParams)
      throw new StatementError(
        229,
        'QUERY_IS_TOO_LARGE',
        `a statement takes at most ${maxParams} parameters`,
      );
    params[name.slice('param_'.length)] = value;
  }
  return params;
}

async function readForm(
  request: IncomingMessage,
  query: URLSearchParams,
  limits: Limits,
  type: string,
): Promise<StatementRequest> {
  const body = await readWhole(openBody(request, limits.maxQueryBytes), limits.maxQueryBytes);
  const fields = readMultipart(body, type);
  const params = paramsOf([...query, ...fields], limits.maxParams);
  return { ...baseOf(query, params), sql: `${query.get('query') ?? ''}${fields.get('query') ?? ''}` };
}

/** The statement stands in the body, the data of an insert behind it. */
async function fromBody(base: Base, body: AsyncIterable<Buffer>, limits: Limits): Promise<StatementRequest> {
  const { start, isWhole, body: again } = await peek(body, HEAD_BYTES);
  const head = findInsertHead(start.subarray(0, HEAD_BYTES));
  if (head === undefined) {
    const whole = isWhole ? start : await readWhole(again, limits.maxQueryBytes);
    return { ...base, sql: whole.toString() };
  }
  const statement = start.subarray(0, head.statementBytes).toString();
  return insertOf(base, statement, head.format, withoutStart(again, head.dataStart));
}

/** The statement stands in the URL; what the body holds are the data of an insert, or more of the statement. */
async function fromUrl(
  base: Base,
  inUrl: string,
  body: AsyncIterable<Buffer>,
  limits: Limits,
): Promise<StatementRequest> {
  const url = Buffer.from(inUrl);
  const head = findInsertHead(url);
  if (head !== undefined) {
    const statement = url.subarray(0, head.statementBytes).toString();
    return insertOf(base, statement, head.format, chain(url.subarray(head.dataStart), body));
  }
  const { isWhole, start, body: again } = await peek(body, 1);
  if (isWhole && start.length === 0) return { ...base, sql: inUrl };
  if (/^\s*insert\s/i.test(inUrl) && !/\bselect\b/i.test(inUrl))
    return insertOf(base, inUrl, base.format === 'TabSeparated' ? 'Values' : base.format, again);
  const more = await readWhole(again, limits.maxQueryBytes);
  return { ...base, sql: `${inUrl}\n${more.toString()}` };
}

function insertOf(
  base: Base,
  statement: string,
  format: string,
  data: AsyncIterable<Buffer>,
): StatementRequest {
  return { ...base, sql: `${statement.trimEnd()} FORMAT ${format}`, insert: { format, data } };
}

async function* withoutStart(body: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const chunk of body) {
    if (left < chunk.length) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

async function* chain(start: Buffer, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (start.length > 0) yield start;
  yield* body;
}
