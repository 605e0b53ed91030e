import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The shortest limit of a socket's path among the platforms (104 bytes), with room for the file's name. */
const LONGEST_FOLDER = 60;

export interface ShortPath {
  readonly path: string;
  /** Removes the link, if there is one; the sockets below it stay. */
  readonly remove: () => void;
}

/** The path of a Unix socket has about a hundred bytes; a link in the temporary folder stands in for a longer folder. */
export function shortFolder(folder: string): ShortPath {
  if (Buffer.byteLength(folder) <= LONGEST_FOLDER) return { path: folder, remove: () => undefined };
  const home = mkdtempSync(join(tmpdir(), 'mr-'));
  const link = join(home, 'l');
  symlinkSync(folder, link);
  return { path: link, remove: () => rmSync(home, { recursive: true }) };
}
