import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { StatementError } from '../../clickhouse/statement-error.ts';

const DECODERS: Readonly<Record<string, (() => Transform) | undefined>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** A client that sends nothing for so long has left. */
const STALL_MS = 60_000;

/**
 * The decompressed body, bounded; reads from the socket only as fast as it is taken.
 * @throws StatementError 89 for a compression that is not known here
 */
export function openBody(request: IncomingMessage, maxBytes: number): AsyncIterable<Buffer> {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  const source = encoding === 'identity' || encoding === '' ? request : decode(request, encoding);
  return bounded(request, source, maxBytes);
}

function decode(request: IncomingMessage, encoding: string): Readable {
  const decoder = DECODERS[encoding];
  if (decoder === undefined)
    throw new StatementError(
      89,
      'UNKNOWN_COMPRESSION_METHOD',
      `Content-Encoding ${encoding} is not known here: use gzip, deflate or br`,
    );
  return pipeline(request, decoder(), () => undefined); // whoever reads the body gets the error
}

async function* bounded(
  request: IncomingMessage,
  source: Readable,
  maxBytes: number,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  const stall = () => request.destroy(new Error('the client stopped sending'));
  request.socket.setTimeout(STALL_MS, stall);
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes)
        throw new StatementError(229, 'QUERY_IS_TOO_LARGE', `the body is longer than ${maxBytes} bytes`);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof StatementError) throw error;
    throw isFromDecoder(error)
      ? new StatementError(354, 'ZLIB_INFLATE_FAILED', 'the body is not what Content-Encoding says', error)
      : new StatementError(210, 'NETWORK_ERROR', 'the body ended before its end', error);
  } finally {
    request.socket.setTimeout(0);
    request.socket.removeListener('timeout', stall);
  }
}

function isFromDecoder(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(Z_|ERR__?(BROTLI|ZLIB))/.test(String(error.code));
}

/** The first bytes of a body, and a body that begins with them again. */
export interface Peeked {
  readonly start: Buffer;
  readonly isWhole: boolean;
  readonly body: AsyncIterable<Buffer>;
}

/** Reads until `bytes` are there or the body ends. */
export async function peek(body: AsyncIterable<Buffer>, bytes: number): Promise<Peeked> {
  const iterator = body[Symbol.asyncIterator]();
  const chunks: Buffer[] = [];
  let length = 0;
  let isWhole = false;
  while (length < bytes) {
    const step = await iterator.next();
    if (step.done === true) {
      isWhole = true;
      break;
    }
    chunks.push(step.value);
    length += step.value.length;
  }
  const start = Buffer.concat(chunks);
  return { start, isWhole, body: goOn(start, iterator, isWhole) };
}

async function* goOn(
  start: Buffer,
  iterator: AsyncIterator<Buffer>,
  isWhole: boolean,
): AsyncGenerator<Buffer> {
  try {
    if (start.length > 0) yield start;
    while (!isWhole) {
      const step = await iterator.next();
      if (step.done === true) return;
      yield step.value;
    }
  } finally {
    await iterator.return?.();
  }
}

/** @throws StatementError 229 above `maxBytes` */
export async function readWhole(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes)
      throw new StatementError(
        229,
        'QUERY_IS_TOO_LARGE',
        `a statement holds at most ${maxBytes} bytes; only the data of an INSERT … FORMAT may be longer`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
