import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Folder of package.json, the same from the sources and from the compiled output. */
export const PACKAGE_ROOT: string = findRoot(import.meta.dirname);

function findRoot(start: string): string {
  for (let dir = start; ; dir = dirname(dir)) {
    if (existsSync(join(dir, 'package.json'))) return dir;
    if (dirname(dir) === dir) throw new Error(`no package.json above ${start}`);
  }
}
