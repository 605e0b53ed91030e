import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REDIS_SERVER, redisArguments } from '../../cli/stack/redis-server.ts';
import { freePort } from './free-port.ts';

/** A Redis of this test alone, which may be killed and started again on the same port and data. */
export interface SpawnedRedis {
  readonly url: string;
  readonly port: number;
  /** SIGKILL: what the append-only file has not been given yet is lost. */
  kill(): Promise<void>;
  /** Starts it again after {@link kill}. */
  restart(): Promise<void>;
  /** SIGSTOP: it hangs, and its connections stand. */
  pause(): void;
  /** SIGCONT after {@link pause}. */
  resume(): void;
  /** Ends it and deletes its data. */
  stop(): Promise<void>;
}

export interface SpawnRedisOptions {
  /** Arguments of redis-server after the usual ones, which they override. */
  readonly extra?: readonly string[];
  /** Listens with TLS alone; the certificates are in {@link extra}. */
  readonly tls?: boolean;
}

/** Starts redis-server on a free port; it ends with this process at the latest. */
export async function spawnRedis(options: SpawnRedisOptions = {}): Promise<SpawnedRedis> {
  const port = await freePort();
  const dir = await mkdtemp(join(tmpdir(), 'millrace-redis-'));
  const args = [...redisArguments(port, dir), '--logfile', '', ...(options.extra ?? [])];
  if (options.tls === true) args.push('--port', '0', '--tls-port', String(port));
  const remove = () => rm(dir, { recursive: true, force: true });
  let child = await start(args).catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  const endBy = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGCONT');
    child.kill(signal);
    await closed;
  };
  return {
    url: `${options.tls === true ? 'rediss' : 'redis'}://127.0.0.1:${port}`,
    port,
    kill: () => endBy('SIGKILL'),
    restart: async () => {
      child = await start(args);
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    stop: async () => {
      await endBy('SIGTERM');
      await remove();
    },
  };
}

async function start(args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(REDIS_SERVER, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const closed = once(child, 'close');
  child.once('close', () => process.removeListener('exit', end));
  let said = '';
  const ready = new Promise<boolean>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (said.length < 100_000) said += chunk.toString();
      if (said.includes('Ready to accept connections')) resolve(true);
    });
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  });
  if (!(await Promise.race([ready, closed.then(() => false)])))
    throw new Error(`redis-server ended with ${child.exitCode}: ${said}`);
  return child;
}
