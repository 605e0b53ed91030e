/** Loads chdb and opens connections on a directory: what the engine of the port and the statement pool share. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Session } from 'chdb';
import type { createChdbConnection } from 'chdb/connection';
import { MillraceError, errorText } from '../errors.ts';
import { loadOptional } from '../optional-package.ts';
import { writeEngineFiles } from './engine-files.ts';

/** The functions of chdb's addon that its own JavaScript keeps to itself. */
export interface ChdbAddon {
  /** Runs `prefix` with the bytes behind it, in any format, without a copy. */
  InsertRawAsyncConnection(
    connection: unknown,
    prefix: string,
    data: Uint8Array,
    countLines: boolean,
  ): Promise<{ readonly rowsWritten: number; readonly bytesWritten: number }>;
  /** What the engine's parser makes of a text, without running it. */
  DurableClassifyAsync(
    connection: unknown,
    sql: string,
    database: string,
  ): Promise<{ readonly statementCount: number; readonly queryClass: number }>;
}

export interface Chdb {
  readonly createChdbConnection: typeof createChdbConnection;
  readonly Session: typeof Session;
  readonly addon: ChdbAddon;
}

export type LoadChdb = () => Promise<Chdb>;

/** Imports chdb only when it is asked for: its library is large and not on every platform. */
export async function importChdb(): Promise<Chdb> {
  const [connection, main] = await Promise.all([import('chdb/connection'), import('chdb')]);
  const require = createRequire(import.meta.url);
  const loader = require(join(dirname(require.resolve('chdb')), 'dist', 'loader.js')) as {
    loadNative(): ChdbAddon;
  };
  return {
    createChdbConnection: connection.createChdbConnection,
    Session: main.Session,
    addon: loader.loadNative(),
  };
}

/** @throws MillraceError MR_EMBEDDED_UNAVAILABLE */
export function loadEngine(load: LoadChdb): Promise<Chdb> {
  return loadOptional({ name: 'chdb', gives: 'ClickHouse in process', setting: 'MR_CLICKHOUSE_URL' }, load);
}

/**
 * Opens the directory with Millrace's configuration. The engine lives as long as one of its connections, so the caller
 * keeps this one open; further ones share the engine and its configuration.
 * @throws MillraceError MR_EMBEDDED_UNAVAILABLE, MR_EMBEDDED_IN_USE
 */
export async function openDirectory(engine: Chdb, path: string): Promise<Session> {
  const connectionArgs = writeEngineFiles(path);
  try {
    return new engine.Session(path, { connectionArgs });
  } catch (error) {
    throw await openError(error, path);
  }
}

/** chdb only says that it failed (code 76 goes to stderr); the owner stands in the engine's status file. */
async function openError(error: unknown, path: string): Promise<MillraceError> {
  const text = errorText(error);
  const owner = await ownerOf(path);
  if (owner === undefined && !text.includes('one active data directory')) {
    return new MillraceError(
      'MR_EMBEDDED_UNAVAILABLE',
      `ClickHouse in process cannot open its directory: ${text}`,
      { context: { engine: 'chdb', path }, cause: error },
    );
  }
  return new MillraceError(
    'MR_EMBEDDED_IN_USE',
    owner === undefined
      ? `This process already has another ClickHouse directory open: ${text}`
      : `Process ${owner} has the ClickHouse directory ${path} open`,
    { context: { engine: 'chdb', path, pid: owner }, cause: error },
  );
}

async function ownerOf(path: string): Promise<number | undefined> {
  const status = await readFile(join(path, 'status'), 'utf8').catch(() => ''); // no such file: no owner
  const pid = Number(/^PID: (\d+)$/m.exec(status)?.[1]);
  return Number.isSafeInteger(pid) && pid !== process.pid && isAlive(pid) ? pid : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
