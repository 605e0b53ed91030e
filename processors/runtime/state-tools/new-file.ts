import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MillraceError } from '../../../platform/errors.ts';
import { folderFault } from '../../../platform/folder-fault.ts';

const BUFFER_BYTES = 256 * 1024;

/**
 * Writes a file that appears whole or not at all: beside its place first, then, when it is on disk, under its name. What
 * stands there is replaced.
 * @throws MillraceError MR_DISK_TOO_SMALL, MR_FOLDER_UNUSABLE; what the parts throw
 */
export async function writeNewFile(path: string, parts: AsyncIterable<string | Buffer>): Promise<void> {
  const partial = `${path}.partial-${process.pid}`;
  try {
    const file = await open(partial, 'w', 0o600);
    try {
      await writeAll(file, parts);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(partial, { force: true });
    throw writeFault(error, path);
  }
}

/** Has the names in a folder survive a power failure. */
export async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** MR_DISK_TOO_SMALL and MR_FOLDER_UNUSABLE for what an operator can put right; any other error as it is. */
export function writeFault(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new MillraceError('MR_DISK_TOO_SMALL', `the disk of ${path} is full; nothing was left there`, {
      context: { path },
      cause: error,
    });
  if (code === 'ENOENT')
    return new MillraceError('MR_FOLDER_UNUSABLE', `${dirname(path)}: there is no such folder`, {
      context: { path },
      cause: error,
    });
  return folderFault(error, path);
}

async function writeAll(file: FileHandle, parts: AsyncIterable<string | Buffer>): Promise<void> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  const flush = async () => {
    if (bytes > 0) await file.writeFile(Buffer.concat(waiting));
    waiting = [];
    bytes = 0;
  };
  for await (const part of parts) {
    const buffer = typeof part === 'string' ? Buffer.from(part) : part;
    waiting.push(buffer);
    bytes += buffer.length;
    if (bytes >= BUFFER_BYTES) await flush();
  }
  await flush();
}
