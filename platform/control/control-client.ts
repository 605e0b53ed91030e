import { existsSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { ERROR_CATALOGUE, MillraceError, errorText, type ErrorContext } from '../errors.ts';
import { shortFolder } from '../socket-path.ts';
import type { AnswerLine } from './control-endpoint.ts';
import { CONTROL_SOCKET, type OwnerStatus } from './control-server.ts';

/** An owner that says nothing for so long has lost the question. */
const SILENCE_MS = 30_000;

/** What the owner of a data folder says of itself; undefined where nobody owns it or the owner does not answer. */
export async function askOwner(dataDir: string, timeoutMs: number): Promise<OwnerStatus | undefined> {
  if (!existsSync(join(dataDir, CONTROL_SOCKET))) return undefined;
  const short = shortFolder(dataDir);
  try {
    const body = await get(join(short.path, CONTROL_SOCKET), '/v1/status', timeoutMs);
    return body === undefined ? undefined : (JSON.parse(body) as OwnerStatus);
  } finally {
    short.remove();
  }
}

/**
 * Asks the owner of a data folder at one of its endpoints and gives the parts of the answer as they come. One that changes
 * something is asked by POST.
 * @throws MillraceError MR_CONTROL_FAILED, or what the owner says has failed
 */
export async function* askEndpoint(
  dataDir: string,
  name: string,
  query: URLSearchParams,
  method: 'GET' | 'POST' = 'GET',
): AsyncGenerator<unknown, undefined> {
  const answer = await open(dataDir, `/v1/${name}?${query.toString()}`, method);
  try {
    if (answer.statusCode !== 200) throw failed(dataDir, { status: answer.statusCode ?? 0 });
    for await (const line of linesOf(answer, dataDir)) {
      const said = JSON.parse(line) as AnswerLine;
      if ('end' in said) return undefined;
      if ('error' in said) throw repeated(said.error, dataDir);
      yield said.part;
    }
    throw failed(dataDir, { reason: 'the answer breaks off' });
  } finally {
    answer.destroy();
  }
}

async function open(dataDir: string, path: string, method: 'GET' | 'POST'): Promise<IncomingMessage> {
  const short = shortFolder(dataDir);
  try {
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const call = request(
        { socketPath: join(short.path, CONTROL_SOCKET), path, method, timeout: SILENCE_MS },
        resolve,
      );
      call.on('timeout', () => call.destroy(new Error(`nothing was said for ${SILENCE_MS} ms`)));
      call.on('error', reject);
      call.end();
    });
  } catch (cause) {
    throw failed(dataDir, { reason: errorText(cause) }, cause);
  } finally {
    short.remove();
  }
}

async function* linesOf(answer: IncomingMessage, dataDir: string): AsyncGenerator<string> {
  let rest = '';
  answer.setEncoding('utf8');
  try {
    for await (const text of answer as AsyncIterable<string>) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (cause) {
    throw cause instanceof MillraceError ? cause : failed(dataDir, { reason: errorText(cause) }, cause);
  }
}

/** What the owner says has failed; a code that is unknown here comes from another version. */
function repeated(
  error: { readonly code: string; readonly message: string },
  dataDir: string,
): MillraceError {
  const known = Object.keys(ERROR_CATALOGUE).find((code) => code === error.code);
  if (known === undefined) return failed(dataDir, { reason: `${error.code}: ${error.message}` });
  return new MillraceError(known as keyof typeof ERROR_CATALOGUE, error.message);
}

function failed(dataDir: string, context: ErrorContext, cause?: unknown): MillraceError {
  const reason = context['reason'] ?? `it answered with ${String(context['status'])}`;
  return new MillraceError(
    'MR_CONTROL_FAILED',
    `the owner of the data folder ${dataDir} did not answer: ${String(reason)}`,
    { context: { dir: dataDir, ...context }, ...(cause === undefined ? {} : { cause }) },
  );
}

/** The body of a 200, undefined for anything else: a socket without a listener, another status, no answer in time. */
function get(socketPath: string, path: string, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const call = request({ socketPath, path, signal: AbortSignal.timeout(timeoutMs) }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => (body += part));
      answer.on('end', () => resolve(answer.statusCode === 200 ? body : undefined));
      answer.on('error', () => resolve(undefined));
    });
    call.on('error', () => resolve(undefined));
    call.end();
  });
}
