import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { MillraceError } from '../../platform/errors.ts';
import { PACKAGE_ROOT } from '../../schemas/package-root.ts';
import { CLICKHOUSE_READER, STACK_USER, type Credentials } from './credentials.ts';
import { launchDetached, type Launched } from './launch.ts';

/** Queries block a thread of libuv each, and four threads would leave none for files and names. */
const THREADS = '8';

/** The package with the engine for this platform. */
const PLATFORM_PACKAGE = `@chdb/lib-${process.platform}-${process.arch}${process.platform === 'linux' ? '-gnu' : ''}`;

/** Whether chdb is there, the ClickHouse engine in process, with its library for this platform. */
export function clickhouseInstalled(): boolean {
  try {
    createRequire(import.meta.resolve('chdb/connection')).resolve(PLATFORM_PACKAGE);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return false;
    throw error;
  }
}

/** @throws MillraceError MR_STACK_CLICKHOUSE_MISSING */
export function requireClickhouse(): void {
  if (clickhouseInstalled()) return;
  throw new MillraceError(
    'MR_STACK_CLICKHOUSE_MISSING',
    'chdb, the ClickHouse engine in process, is not installed for this platform.',
  );
}

/** Starts `millrace clickhouse` as a server of its own, with the passwords of the stack. */
export async function startClickhouse(
  port: number,
  directory: string,
  passwords: Pick<Credentials, 'clickhouse' | 'clickhouseReader'>,
): Promise<Launched> {
  const dir = resolve(directory);
  await mkdir(dir, { recursive: true });
  return launchDetached({
    name: 'clickhouse',
    command: process.execPath,
    args: [...programArguments(import.meta.url), 'clickhouse', '--port', String(port)],
    dir,
    cwd: PACKAGE_ROOT,
    // Nothing of the caller's: its own settings of Millrace are for other servers.
    env: {
      UV_THREADPOOL_SIZE: THREADS,
      MR_DATA_DIR: join(dir, 'data'),
      MR_CLICKHOUSE_USER: STACK_USER,
      MR_CLICKHOUSE_PASSWORD: passwords.clickhouse,
      MR_CLICKHOUSE_READONLY_USER: CLICKHOUSE_READER,
      MR_CLICKHOUSE_READONLY_PASSWORD: passwords.clickhouseReader,
    },
  });
}

/** The program as this process runs it: compiled, or from the sources. */
function programArguments(moduleUrl: string): string[] {
  const main = join(PACKAGE_ROOT, 'dist', 'cli', 'main.js');
  if (moduleUrl.endsWith('.js') && existsSync(main)) return ['--enable-source-maps', main];
  return ['--import', 'tsx', join(PACKAGE_ROOT, 'cli', 'main.ts')];
}
