import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { MillraceError } from './errors.ts';

/** Blocks of a file system, as `fs.statfs` tells them. */
export interface FreeBlocks {
  /** Blocks free to an ordinary user. */
  readonly bavail: number;
  readonly bsize: number;
}

const BYTES_OF_MB = 1024 * 1024;

/**
 * Holds when the file system of a folder, which need not exist yet, has so many mebibytes free.
 * @throws MillraceError MR_DISK_TOO_SMALL
 */
export async function requireFreeDisk(
  dir: string,
  minFreeMb: number,
  stat: (path: string) => Promise<FreeBlocks> = statfs,
): Promise<void> {
  const { bavail, bsize } = await statOfNearest(resolve(dir), stat);
  const freeMb = Math.floor((bavail * bsize) / BYTES_OF_MB);
  if (freeMb >= minFreeMb) return;
  throw new MillraceError(
    'MR_DISK_TOO_SMALL',
    `${freeMb} MB are free on the disk of ${dir}; ${minFreeMb} MB are needed`,
    { context: { dir, freeMb, minFreeMb } },
  );
}

async function statOfNearest(dir: string, stat: (path: string) => Promise<FreeBlocks>): Promise<FreeBlocks> {
  try {
    return await stat(dir);
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!missing || dirname(dir) === dir) throw error;
    return statOfNearest(dirname(dir), stat);
  }
}
