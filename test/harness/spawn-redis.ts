import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { redisAnswers } from '../../cli/stack/probe.ts';
import { REDIS_SERVER, redisArguments } from '../../cli/stack/redis-server.ts';
import { freePort } from './free-port.ts';
import { waitUntil } from './wait-until.ts';

/** A Redis of this test alone, which may be killed and started again on the same port and data. */
export interface SpawnedRedis {
  readonly url: string;
  readonly port: number;
  /** SIGKILL: what the append-only file has not been given yet is lost. */
  kill(): Promise<void>;
  /** Starts it again after {@link kill}. */
  restart(): Promise<void>;
  /** Ends it and deletes its data. */
  stop(): Promise<void>;
}

/** Starts redis-server on a free port; it ends with this process at the latest. */
export async function spawnRedis(): Promise<SpawnedRedis> {
  const port = await freePort();
  const dir = await mkdtemp(join(tmpdir(), 'millrace-redis-'));
  let child = await start(port, dir);
  const endBy = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill(signal);
    await closed;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    kill: () => endBy('SIGKILL'),
    restart: async () => {
      child = await start(port, dir);
    },
    stop: async () => {
      await endBy('SIGTERM');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function start(port: number, dir: string): Promise<ChildProcess> {
  const child = spawn(REDIS_SERVER, redisArguments(port, dir), { stdio: 'ignore' });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  child.once('close', () => process.removeListener('exit', end));
  await once(child, 'spawn');
  await waitUntil(
    () => {
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
      return redisAnswers(port, 1000);
    },
    { what: `redis-server on port ${port}` },
  );
  return child;
}
