import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export interface TemporaryDir {
  readonly path: string;
  /** Deletes the folder and all in it. */
  remove(): Promise<void>;
}

/** An empty folder for a whole suite; the suite removes it after it has stopped what works in it. */
export async function makeTemporaryDir(): Promise<TemporaryDir> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** An empty folder that is deleted when the test that asked for it has finished. */
export async function temporaryDir(): Promise<string> {
  const dir = await makeTemporaryDir();
  onTestFinished(() => dir.remove());
  return dir.path;
}
