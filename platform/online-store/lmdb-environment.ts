import { mkdir, open as openFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type * as lmdb from 'lmdb';
import type { Database, RootDatabase } from 'lmdb';
import { MillraceError } from '../errors.ts';
import { loadOptional } from '../optional-package.ts';
import { lockDirectory } from '../directory-lock.ts';
import { folderFault } from '../folder-fault.ts';
import type { Logger } from '../log.ts';
import { wrapLmdbError } from './store-error.ts';
import { Sweeper, expiryWalk } from './sweeper.ts';

export type Lmdb = Pick<typeof lmdb, 'open' | 'version'>;

export interface LmdbEnvironmentOptions {
  readonly path: string;
  readonly now: () => number;
  readonly log: Logger;
  /** Loads lmdb; only when the store is opened, since its binary is not on every platform. */
  readonly load: () => Promise<Lmdb>;
}

/** Version, expiry in epoch milliseconds, value, and who wrote it where that was said. */
export type VersionedRecord = readonly [
  version: number,
  expiresAtMs: number,
  value: string | null,
  owner?: string | undefined,
];
/** Expiry in epoch milliseconds, value. */
type AbsentRecord = readonly [expiresAtMs: number, value: string];

/** A folder in the hands of this process, with its databases open. */
export interface LmdbEnvironment {
  readonly path: string;
  /** Of the library. */
  readonly version: string;
  readonly root: RootDatabase;
  readonly versioned: Database<VersionedRecord>;
  readonly absent: Database<AbsentRecord>;
  /** The last user's release closes the databases and gives the folder free. */
  release(): Promise<void>;
}

interface Shared {
  readonly opening: Promise<Omit<LmdbEnvironment, 'release'> & { close(): Promise<void> }>;
  users: number;
  closing?: Promise<void>;
}

/** The folders that this process has open. */
const shared = new Map<string, Shared>();

/**
 * Opens a folder for this process alone; the stores of one process share it.
 * @throws MillraceError MR_EMBEDDED_UNAVAILABLE, MR_EMBEDDED_IN_USE, MR_FOLDER_UNUSABLE, MR_ONLINE_STORE_FAILED
 */
export async function openLmdbEnvironment(options: LmdbEnvironmentOptions): Promise<LmdbEnvironment> {
  const path = resolve(options.path);
  for (let closing = shared.get(path)?.closing; closing !== undefined; closing = shared.get(path)?.closing)
    await closing;
  const entry: Shared = shared.get(path) ?? { opening: open({ ...options, path }), users: 0 };
  shared.set(path, entry);
  entry.users += 1;
  const release = async () => {
    entry.users -= 1;
    if (entry.users > 0) return;
    entry.closing = entry.opening.then((opened) => opened.close()).finally(() => forget(path, entry));
    await entry.closing;
  };
  try {
    return { ...(await entry.opening), release };
  } catch (error) {
    forget(path, entry); // the next one tries again
    throw error;
  }
}

function forget(path: string, entry: Shared): void {
  if (shared.get(path) === entry) shared.delete(path);
}

async function open({ path, now, log, load }: LmdbEnvironmentOptions) {
  const { open: openRoot, version } = await loadLmdb(load);
  const lock = await takeFolder(path);
  try {
    await requireDatabase(join(path, 'data.mdb'));
    // With batches for each turn of the event loop a commit that fails would also reject a promise that nobody has.
    const root = openRoot({ path, noSubdir: false, maxDbs: 2, eventTurnBatching: false });
    const versioned = root.openDB<VersionedRecord>({ name: 'versioned', encoding: 'msgpack' });
    const absent = root.openDB<AbsentRecord>({ name: 'absent', encoding: 'msgpack' });
    const sweeper = new Sweeper(
      [
        expiryWalk(root, { database: versioned, expiryOf: (record) => record[1] }, now),
        expiryWalk(root, { database: absent, expiryOf: (record) => record[0] }, now),
      ],
      log,
    );
    const close = async () => {
      await sweeper.stop();
      await root.flushed;
      await root.close();
      await lock.release();
    };
    return {
      path,
      version: `${version.major}.${version.minor}.${version.patch}`,
      root,
      versioned,
      absent,
      close,
    };
  } catch (error) {
    await lock.release();
    throw wrapLmdbError(error, 'open', path);
  }
}

/** Of a page that describes the database: where it states what it is, and what it states (mdb.c, MDB_meta). */
const META = { offset: 24, magic: 0xbeefc0de };

/**
 * The library ends the process when it opens a file that is no database.
 * @throws MillraceError MR_ONLINE_STORE_FAILED
 */
async function requireDatabase(path: string): Promise<void> {
  const file = await openFile(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined; // it will be made
    throw error;
  });
  if (file === undefined) return;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(META.offset + 4), 0, META.offset + 4, 0);
    if (bytesRead === 0 || (bytesRead === buffer.length && buffer.readUInt32LE(META.offset) === META.magic))
      return;
  } finally {
    await file.close();
  }
  throw new MillraceError(
    'MR_ONLINE_STORE_FAILED',
    `${path} is no database of LMDB: move it away, and the online store begins empty`,
    { context: { path } },
  );
}

async function takeFolder(path: string): ReturnType<typeof lockDirectory> {
  try {
    await mkdir(path, { recursive: true });
    return await lockDirectory(path);
  } catch (error) {
    throw folderFault(error, path);
  }
}

function loadLmdb(load: () => Promise<Lmdb>): Promise<Lmdb> {
  return loadOptional({ name: 'lmdb', gives: 'the online store in process', setting: 'MR_REDIS_URL' }, load);
}
