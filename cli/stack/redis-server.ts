import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MillraceError } from '../../platform/errors.ts';
import { launchDetached, SERVER_LOG, type Launched } from './launch.ts';
import { runCommand } from './run-command.ts';

/** The program, as Redis and Valkey's compatibility package name it. */
export const REDIS_SERVER = 'redis-server';

/** Arguments of redis-server: loopback, append-only file synced every second, no snapshots. */
export function redisArguments(port: number, dir: string): string[] {
  const settings: Record<string, string> = {
    bind: '127.0.0.1',
    port: String(port),
    dir,
    appendonly: 'yes',
    appendfsync: 'everysec',
    save: '',
    daemonize: 'no',
    logfile: join(dir, SERVER_LOG),
  };
  return Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]);
}

/** Whether redis-server is on the PATH. */
export async function redisInstalled(): Promise<boolean> {
  return (await runCommand(REDIS_SERVER, ['--version'], 10_000))?.code === 0;
}

/** @throws MillraceError MR_STACK_REDIS_MISSING */
export async function requireRedis(): Promise<void> {
  if (await redisInstalled()) return;
  throw new MillraceError('MR_STACK_REDIS_MISSING', 'redis-server was not found on the PATH.');
}

export async function startRedis(port: number, directory: string): Promise<Launched> {
  const dir = resolve(directory);
  await mkdir(dir, { recursive: true });
  return launchDetached({
    name: 'redis',
    command: REDIS_SERVER,
    args: redisArguments(port, dir),
    dir,
  });
}
