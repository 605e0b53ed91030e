import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { shortFolder } from '../socket-path.ts';
import { CONTROL_SOCKET, type OwnerStatus } from './control-server.ts';

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
