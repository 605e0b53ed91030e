import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type * as lmdb from 'lmdb';
import { lockDirectory, type DirectoryLock } from '../directory-lock.ts';
import { MillraceError, errorText } from '../errors.ts';
import { folderFault } from '../folder-fault.ts';
import type { Logger } from '../log.ts';
import { createLmdbSpill } from './lmdb-spill.ts';
import type { Spill } from './port.ts';
import { openReservedFile } from './reserved-file.ts';
import { MAX_MAPS, ScratchDatabase, databasePath } from './scratch-database.ts';
import { wrapSpillError } from './spill-error.ts';

export type { Spill } from './port.ts';

export type Lmdb = Pick<typeof lmdb, 'open'>;

export interface OpenSpillOptions {
  /** A folder for the spill alone; it is made where it is missing. */
  readonly path: string;
  /**
   * Most bytes of pages that the maps may use; no bound but the disk where absent. The file itself is somewhat larger:
   * by the room for the next transaction, and by freed pages that have not been used again.
   */
  readonly maxBytes?: number;
  readonly log?: Logger;
  /** Loads lmdb; for tests. */
  readonly loadLmdb?: () => Promise<Lmdb>;
}

/** Address space taken at first: each growth of the map beyond it keeps the old map beside the new one. */
const MAP_BYTES = 2 ** 34;
const LOCK_FILE_BYTES = 16 * 1024;
const FIRST_BYTES = 1024 * 1024;

/**
 * Opens an empty spill in a folder that this process then owns; what an earlier process left there is removed.
 * @throws MillraceError MR_EMBEDDED_UNAVAILABLE, MR_EMBEDDED_IN_USE, MR_FOLDER_UNUSABLE, MR_SPILL_FULL, MR_SPILL_FAILED
 */
export async function openSpill(options: OpenSpillOptions): Promise<Spill> {
  const dir = resolve(options.path);
  const library = await loadLmdb(options.loadLmdb ?? (() => import('lmdb')));
  const lock = await takeFolder(dir);
  const release = () => removeFiles(dir).finally(() => lock.release());
  try {
    await removeFiles(dir);
    await prepareFiles(dir);
    const spill = createLmdbSpill(openDatabase(library, dir, options.maxBytes), release);
    options.log?.info({ path: dir }, 'the spill is open');
    return spill;
  } catch (error) {
    await release().catch(() => undefined); // the first fault tells more
    throw wrapSpillError(folderFault(error, dir), { operation: 'open', path: dir });
  }
}

function openDatabase(library: Lmdb, dir: string, maxBytes: number | undefined): ScratchDatabase {
  const path = databasePath(dir);
  const root = library.open({
    path,
    noSubdir: true,
    maxDbs: MAX_MAPS,
    mapSize: MAP_BYTES,
    noSync: true,
    noReadAhead: true, // state is read here and there, and what does not fit in memory would push out what does
    permissionsMode: 0o600,
  });
  return new ScratchDatabase({ dir, root, file: openReservedFile(path), maxBytes });
}

/**
 * lmdb ends the process where the disk has no room for the first pages of its files. So the file of its locks is written
 * whole before it is mapped, and the database, which must be empty, takes its first pages from room that was there just
 * now.
 */
async function prepareFiles(dir: string): Promise<void> {
  const path = databasePath(dir);
  await writeFile(lockFile(path), Buffer.alloc(LOCK_FILE_BYTES), { mode: 0o600 });
  await writeFile(path, Buffer.alloc(FIRST_BYTES), { mode: 0o600 });
  await truncate(path);
}

async function removeFiles(dir: string): Promise<void> {
  const path = databasePath(dir);
  await rm(path, { force: true });
  await rm(lockFile(path), { force: true });
}

/** As lmdb names it. */
function lockFile(path: string): string {
  return `${path}-lock`;
}

async function takeFolder(dir: string): Promise<DirectoryLock> {
  try {
    await mkdir(dir, { recursive: true });
    return await lockDirectory(dir);
  } catch (error) {
    throw wrapSpillError(folderFault(error, dir), { operation: 'open', path: dir });
  }
}

async function loadLmdb(load: () => Promise<Lmdb>): Promise<Lmdb> {
  try {
    return await load();
  } catch (error) {
    throw new MillraceError(
      'MR_EMBEDDED_UNAVAILABLE',
      'state beyond MR_STATE_MEMORY_MB goes to disk through lmdb, which cannot be loaded here: install lmdb, or raise MR_STATE_MEMORY_MB',
      {
        context: { engine: 'lmdb', platform: process.platform, arch: process.arch, reason: errorText(error) },
        cause: error,
      },
    );
  }
}
