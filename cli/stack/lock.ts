import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../platform/errors.ts';
import { isRunning, processIdentity } from './process-identity.ts';

const RETRY_MS = 100;

/**
 * Runs `work` while this process holds the lock of the folder; waits for another holder up to `waitMs`. The lock of a
 * process that has ended is taken over.
 * @throws MillraceError MR_STACK_BUSY
 */
export async function withLock<T>(dir: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  await mkdir(dir, { recursive: true });
  const file = join(dir, 'lock');
  const mine = `${process.pid} ${processIdentity(process.pid) ?? ''}`;
  const deadlineMs = performance.now() + waitMs;
  while (!(await tryCreate(file, mine))) {
    const holder = await readFile(file, 'utf8').catch(() => undefined); // Released between the two calls.
    if (holder === undefined) continue;
    if (isStale(holder)) await rm(file, { force: true });
    else if (performance.now() > deadlineMs) {
      throw new MillraceError('MR_STACK_BUSY', `Process ${holder.split(' ')[0] ?? '?'} holds ${file}.`);
    } else await sleep(RETRY_MS);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function tryCreate(file: string, content: string): Promise<boolean> {
  try {
    await writeFile(file, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** A lock is stale when the process that wrote it has ended; an empty one is being written right now. */
function isStale(holder: string): boolean {
  const match = /^(\d+) (.+)$/.exec(holder);
  if (match === null) return false;
  return !isRunning({ pid: Number(match[1]), identity: match[2] ?? '' });
}
