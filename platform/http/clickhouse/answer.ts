import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, createBrotliCompress, createDeflate, createGzip } from 'node:zlib';
import type { Transform } from 'node:stream';
import { exceptionText, type StatementError } from '../../clickhouse/statement-error.ts';
import { statusOfException } from './exception-status.ts';

export interface Summary {
  readonly readRows: number;
  readonly writtenRows: number;
  readonly writtenBytes: number;
  readonly resultRows: number;
  readonly resultBytes: number;
  readonly elapsedMs: number;
}

const ENCODERS = [
  ['gzip', () => createGzip({ level: 3 })],
  ['deflate', () => createDeflate({ level: 3 })],
  ['br', () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 3 } })],
] as const;

const CONTENT_TYPES: readonly (readonly [RegExp, string])[] = [
  [/^(JSON|JSONCompact|JSONStrings|JSONColumns|JSONObjectEachRow|JSONCompactColumns)$/i, 'application/json'],
  [/EachRow|^JSONLines$|^NDJSON$/i, 'application/x-ndjson'],
  [/^(TabSeparated|TSV)/i, 'text/tab-separated-values'],
  [/^CSV/i, 'text/csv'],
  [/^XML$/i, 'application/xml'],
  [/^(Native|RowBinary|Parquet|Arrow|ORC|Avro|MsgPack|Protobuf|CapnProto|BSON)/i, 'application/octet-stream'],
];

/** An answer under way: headers once, then bytes as fast as the client takes them, and an end or an exception. */
export class Answer {
  readonly #response: ServerResponse;
  readonly #version: string;
  readonly #tag = randomBytes(8).toString('hex');
  readonly #encoding: (typeof ENCODERS)[number] | undefined;
  #encoder: Transform | undefined;
  #isStarted = false;

  constructor(request: IncomingMessage, response: ServerResponse, version: string, mayCompress: boolean) {
    this.#response = response;
    this.#version = version;
    const accepted = (request.headers['accept-encoding'] ?? '').toLowerCase();
    this.#encoding = mayCompress ? ENCODERS.find(([name]) => accepted.includes(name)) : undefined;
    response.setHeader('X-ClickHouse-Server-Display-Name', 'millrace');
    response.setHeader('X-ClickHouse-Timezone', 'UTC');
    response.setHeader('X-ClickHouse-Exception-Tag', this.#tag);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Cache-Control', 'no-store');
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  setQueryId(id: string): void {
    this.#response.setHeader('X-ClickHouse-Query-Id', id.replace(/[^\x20-\x7e]/g, '?'));
  }

  /** Sends status 200 and the headers. */
  start(format: string, summary: Summary): void {
    this.#isStarted = true;
    const response = this.#response;
    response.statusCode = 200;
    response.setHeader('X-ClickHouse-Format', format);
    response.setHeader('X-ClickHouse-Summary', summaryText(summary));
    const type = CONTENT_TYPES.find(([pattern]) => pattern.test(format))?.[1] ?? 'text/plain';
    response.setHeader('Content-Type', `${type}; charset=UTF-8`);
    if (this.#encoding === undefined) return;
    response.setHeader('Content-Encoding', this.#encoding[0]);
    const encoder = this.#encoding[1]();
    encoder.pipe(response);
    response.once('close', () => encoder.destroy());
    this.#encoder = encoder;
  }

  /** Resolves when the client has room for more; rejects once it is gone. */
  async write(bytes: Uint8Array): Promise<void> {
    const out = this.#encoder ?? this.#response;
    if (bytes.length === 0 || out.write(bytes)) return;
    const gone = new AbortController();
    try {
      await Promise.race([
        once(out, 'drain', { signal: gone.signal }),
        once(this.#response, 'close', { signal: gone.signal }),
      ]);
    } finally {
      gone.abort();
    }
  }

  end(): void {
    (this.#encoder ?? this.#response).end();
  }

  /** A refusal: with its status where nothing was sent, else behind the rows, in a frame that clients know. */
  fail(error: StatementError): void {
    const text = exceptionText(error, this.#version);
    if (this.#isStarted) this.#failLate(text);
    else this.#failEarly(error, text);
  }

  #failEarly(error: StatementError, text: string): void {
    const response = this.#response;
    response.statusCode = statusOfException(error.code);
    response.setHeader('X-ClickHouse-Exception-Code', String(error.code));
    response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
    if (response.statusCode === 401) response.setHeader('WWW-Authenticate', 'Basic realm="ClickHouse"');
    if (response.statusCode === 503) response.setHeader('Retry-After', '1');
    response.end(text);
  }

  /** The connection ends without the last chunk, so that a client that knows no frames sees a broken answer. */
  #failLate(text: string): void {
    const length = Buffer.byteLength(text);
    const frame = `\r\n__exception__\r\n${this.#tag}\r\n${text}${length} ${this.#tag}\r\n__exception__\r\n`;
    const response = this.#response;
    const encoder = this.#encoder;
    const close = () => response.socket?.end();
    if (encoder === undefined) response.write(frame, close);
    else {
      encoder.unpipe(response);
      encoder.on('data', (bytes: Buffer) => response.write(bytes));
      encoder.once('end', () => setImmediate(close)); // its last bytes are handed over within this turn
      encoder.resume();
      encoder.end(frame);
    }
  }
}

function summaryText(summary: Summary): string {
  return JSON.stringify({
    read_rows: String(summary.readRows),
    read_bytes: '0',
    written_rows: String(summary.writtenRows),
    written_bytes: String(summary.writtenBytes),
    total_rows_to_read: '0',
    result_rows: String(summary.resultRows),
    result_bytes: String(summary.resultBytes),
    elapsed_ns: String(Math.round(summary.elapsedMs * 1e6)),
  });
}
