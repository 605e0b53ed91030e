import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MillraceError } from '../../platform/errors.ts';
import { launchDetached, SERVER_LOG, type Launched } from './launch.ts';
import { runCommand } from './run-command.ts';
import type { TlsFiles } from './tls-files.ts';

/** The program, as Redis and Valkey's compatibility package name it. */
export const REDIS_SERVER = 'redis-server';

function redisSettings(port: number, dir: string): Record<string, string> {
  return {
    bind: '127.0.0.1',
    port: String(port),
    dir,
    appendonly: 'yes',
    appendfsync: 'everysec',
    save: '',
    daemonize: 'no',
    logfile: join(dir, SERVER_LOG),
  };
}

/** Arguments of redis-server: loopback, append-only file synced every second, no snapshots. */
export function redisArguments(port: number, dir: string): string[] {
  return Object.entries(redisSettings(port, dir)).flatMap(([key, value]) => [`--${key}`, value]);
}

/** What a Redis of the secure profile asks of its clients. */
export interface RedisSecurity {
  readonly password: string;
  /** Absent where redis-server was built without TLS. */
  readonly tls?: TlsFiles | undefined;
}

/** redis.conf of the secure profile: a password, and TLS alone where it can be had. */
export function redisConfig(port: number, dir: string, security: RedisSecurity): string {
  const { password, tls } = security;
  const settings = {
    ...redisSettings(port, dir),
    requirepass: password,
    ...(tls === undefined
      ? {}
      : {
          port: '0',
          'tls-port': String(port),
          'tls-cert-file': tls.certificate,
          'tls-key-file': tls.key,
          'tls-ca-cert-file': tls.ca,
          'tls-auth-clients': 'no',
        }),
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key} "${value.replaceAll(/["\\]/g, '\\$&')}"\n`)
    .join('');
}

/** Whether redis-server is on the PATH. */
export async function redisInstalled(): Promise<boolean> {
  return (await runCommand(REDIS_SERVER, ['--version'], 10_000))?.code === 0;
}

/** `7.0.15`; empty where the program does not say. */
export async function redisVersion(): Promise<string> {
  const result = await runCommand(REDIS_SERVER, ['--version'], 10_000);
  return /\bv=(\S+)/.exec(result?.output ?? '')?.[1] ?? '';
}

/**
 * Whether redis-server was built with TLS. It reads its settings in order and names the first one that it does not
 * know; the last one is made up, so that it never starts.
 */
export async function redisHasTls(): Promise<boolean> {
  const result = await runCommand(REDIS_SERVER, ['--tls-port', '0', '--millrace-probe', 'yes'], 10_000);
  return result?.output.includes('millrace-probe') === true;
}

/** @throws MillraceError MR_STACK_REDIS_MISSING */
export async function requireRedis(): Promise<void> {
  if (await redisInstalled()) return;
  throw new MillraceError('MR_STACK_REDIS_MISSING', 'redis-server was not found on the PATH.');
}

export async function startRedis(
  port: number,
  directory: string,
  security?: RedisSecurity,
): Promise<Launched> {
  const dir = resolve(directory);
  await mkdir(dir, { recursive: true });
  const launch = { name: 'redis', command: REDIS_SERVER, dir };
  if (security === undefined) return launchDetached({ ...launch, args: redisArguments(port, dir) });
  // In a file, since every user of the machine can read the arguments of a process.
  const file = join(dir, 'redis.conf');
  await writeFile(file, '', { mode: 0o600 });
  await chmod(file, 0o600);
  await writeFile(file, redisConfig(port, dir, security));
  return launchDetached({ ...launch, args: [file] });
}
