import { spawnSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTemporaryDir } from './temporary-dir.ts';

/** A file system of its own, of a fixed size. */
export interface SmallDisk {
  readonly path: string;
  /** Why there is none; empty where there is. For `skipOrFail`. */
  readonly missing: string;
  /** Bytes that may still be written. */
  free(): number;
  /** Fills it up to so many free bytes. */
  leave(bytes: number): void;
  /** Takes away what {@link leave} filled it with. */
  makeRoom(): void;
  /** @throws Error where something still uses it */
  remove(): Promise<void>;
}

/** Mounts a tmpfs on a temporary folder, where this user may. */
export async function makeSmallDisk(megabytes: number): Promise<SmallDisk> {
  const folder = await makeTemporaryDir();
  const { path } = folder;
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path]).status === 0;
  const ballast = join(path, 'ballast');
  const free = () => {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  };
  return {
    path,
    missing: mounted ? '' : 'this user cannot mount a tmpfs',
    free,
    leave: (bytes) => writeFileSync(ballast, Buffer.alloc(Math.max(0, free() - bytes))),
    makeRoom: () => rmSync(ballast, { force: true }),
    async remove() {
      if (mounted && spawnSync('umount', [path]).status !== 0) throw new Error(`${path} is still in use`);
      await folder.remove();
    },
  };
}
