import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { freePort } from './free-port.ts';
import { runMillrace, type MillraceProcess } from './millrace-process.ts';
import { makeTemporaryDir } from './temporary-dir.ts';
import { waitUntil } from './wait-until.ts';

/** `millrace clickhouse` of this test alone, which may be killed and started again on the same port and data. */
export interface SpawnedClickHouse {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly dataDir: string;
  /** Of the process that runs now. */
  readonly pid: number;
  /** Memory of the process now. */
  rssBytes(): Promise<number>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again after {@link kill}. */
  restart(): Promise<void>;
  /** Asks it to end, waits for it and deletes its folder, where it made one. */
  stop(): Promise<void>;
}

export interface SpawnClickHouseOptions {
  /** Arguments of the command. */
  readonly args?: readonly string[];
  /** A temporary one where absent. */
  readonly dataDir?: string;
}

export const FULL_USER = { username: 'default', password: 'full-password' } as const;
export const READER = { username: 'reader', password: 'reader-password' } as const;

/** Starts it on a free port; the answer comes when it listens. */
export async function spawnClickHouse(options: SpawnClickHouseOptions = {}): Promise<SpawnedClickHouse> {
  const ownDir = options.dataDir === undefined ? await makeTemporaryDir() : undefined;
  const dataDir = options.dataDir ?? ownDir?.path ?? '';
  const port = await freePort();
  const args = ['clickhouse', '--port', String(port), ...(options.args ?? [])];
  const start = () => startServer(args, dataDir);
  let server = await start().catch(async (error: unknown) => {
    await ownDir?.remove();
    throw error;
  });
  const end = async (signal: NodeJS.Signals) => {
    if (server.child.exitCode !== null || server.child.signalCode !== null) return;
    server.child.kill(signal);
    await once(server.child, 'exit');
  };
  const pid = () => server.child.pid ?? 0;
  return {
    url: `http://127.0.0.1:${port}`,
    user: FULL_USER.username,
    password: FULL_USER.password,
    dataDir,
    get pid() {
      return pid();
    },
    async rssBytes() {
      const status = await readFile(`/proc/${pid()}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
    },
    kill: () => end('SIGKILL'),
    async restart() {
      server = await start();
    },
    async stop() {
      await end('SIGTERM');
      await ownDir?.remove();
    },
  };
}

async function startServer(args: readonly string[], dataDir: string): Promise<MillraceProcess> {
  const server = runMillrace(args, {
    MR_DATA_DIR: dataDir,
    MR_CLICKHOUSE_PASSWORD: FULL_USER.password,
    MR_CLICKHOUSE_READONLY_PASSWORD: READER.password,
  });
  let stdout = '';
  server.child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  const { child } = server;
  await waitUntil(() => stdout.includes('http://') || child.exitCode !== null, { timeoutMs: 60_000 });
  if (child.exitCode !== null) throw new Error(`millrace clickhouse did not start: ${server.stderr()}`);
  return server;
}
