import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { EngineInfo } from '../engine-info.ts';
import { MillraceError, errorText } from '../errors.ts';
import { createHttpServer } from '../http/index.ts';
import type { Logger } from '../log.ts';
import type { Closable } from '../shutdown.ts';
import { shortFolder } from '../socket-path.ts';
import { answerLines, type ControlEndpoint } from './control-endpoint.ts';

/** Name of the socket in a data folder. */
export const CONTROL_SOCKET = 'control.sock';
const PROBE_TIMEOUT_MS = 2000;

/** An engine that the owner of a data folder has open. */
export interface Probe {
  readonly name: string;
  info(timeoutMs: number): Promise<EngineInfo>;
}

/** How an engine answered. */
export type EngineState =
  | ({ readonly name: string; readonly ok: true; readonly latencyMs: number } & EngineInfo)
  | { readonly name: string; readonly ok: false; readonly code: string; readonly message: string };

/** What the owner of a data folder says of itself. */
export interface OwnerStatus {
  readonly pid: number;
  /** The command that runs, such as `demo`. */
  readonly command: string;
  /** ISO text, UTC. */
  readonly startedAt: string;
  readonly engines: readonly EngineState[];
}

export interface ControlServerOptions {
  readonly dataDir: string;
  readonly command: string;
  readonly startedAtMs: number;
  /** The engines that are open now. */
  readonly engines: () => readonly Probe[];
  /** What else it tells, by name; asked for at each request. */
  readonly endpoints: () => readonly ControlEndpoint[];
  readonly log: Logger;
}

/**
 * Serves the control socket of a data folder: HTTP over a Unix socket that only this user may open. The caller owns the
 * folder, so a socket that lies there is a dead owner's. `GET /v1/status` answers {@link OwnerStatus}; `GET /v1/<name>`
 * streams what an endpoint says, in lines of JSON; `POST` has one do something.
 */
export async function startControlServer(options: ControlServerOptions): Promise<Closable> {
  const { dataDir, command, startedAtMs, engines, endpoints, log } = options;
  mkdirSync(dataDir, { recursive: true });
  const socket = join(dataDir, CONTROL_SOCKET);
  rmSync(socket, { force: true });
  const app = createHttpServer({ name: 'control', log });
  app.get(
    '/v1/status',
    async (): Promise<OwnerStatus> => ({
      pid: process.pid,
      command,
      startedAt: new Date(startedAtMs).toISOString(),
      engines: await Promise.all(engines().map((engine) => probe(engine))),
    }),
  );
  for (const method of ['GET', 'POST'] as const)
    app.route<{ Params: { name: string } }>({
      ...{ method, url: '/v1/:name' },
      handler: async ({ params: { name }, url }, reply) => {
        const endpoint = endpoints().find((known) => known.name === name);
        if (endpoint === undefined || (endpoint.changes === true) !== (method === 'POST'))
          throw new MillraceError('MR_HTTP_NOT_FOUND', `\`${command}\` tells nothing of "${name}"`);
        const query = new URLSearchParams(url.split('?')[1] ?? '');
        return reply
          .type('application/x-ndjson; charset=utf-8')
          .send(Readable.from(answerLines(endpoint, query), { highWaterMark: 1 }));
      },
    });
  const short = shortFolder(dataDir);
  try {
    await app.listen({
      path: join(short.path, CONTROL_SOCKET),
      listenTextResolver: () => 'the control socket listens',
    });
    chmodSync(socket, 0o600);
  } finally {
    short.remove();
  }
  return {
    close: async () => {
      const closing = app.close();
      app.server.closeAllConnections(); // a reader that has stopped reading would hold the owner here
      await closing;
      rmSync(socket, { force: true });
    },
  };
}

/** Asks an engine for its version and takes the time of the answer. Never throws: a fault is an answer. */
export async function probe(engine: Probe, timeoutMs = PROBE_TIMEOUT_MS): Promise<EngineState> {
  const { name } = engine;
  const startedMs = performance.now();
  try {
    const info = await engine.info(timeoutMs);
    return { name, ok: true, latencyMs: Number((performance.now() - startedMs).toFixed(2)), ...info };
  } catch (error) {
    const code = error instanceof MillraceError ? error.code : 'MR_INTERNAL';
    return { name, ok: false, code, message: errorText(error) };
  }
}
