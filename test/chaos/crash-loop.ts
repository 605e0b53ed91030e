import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosContext } from './scenario.ts';

export interface CrashLoop extends ChaosContext {
  /**
   * URL of the module that writes without end, without its ending: it prints `ready` when it has opened its engine and
   * appends a line to the file of acknowledgements for each thing that was acknowledged. The kernel keeps such a line
   * whatever happens to the process. Arguments: data folder, that file, number of the round.
   */
  readonly child: URL;
  readonly dataDir: string;
  readonly budgetMs: number;
  /** Longest time between `ready` and the kill. */
  readonly longestMs?: number;
}

/** Starts the child and kills it with SIGKILL at a random moment, again and again; the answer counts the kills. */
export async function crashLoop(loop: CrashLoop): Promise<number> {
  const endMs = performance.now() + loop.budgetMs;
  let round = 0;
  while (performance.now() < endMs || round === 0) {
    await runAndKill(loop, ++round);
    if (round % 10 === 0) loop.note(`${round} kills`);
  }
  return round;
}

async function runAndKill(loop: CrashLoop, round: number): Promise<void> {
  const child = spawn(
    process.execPath,
    [...modulePath(loop.child), loop.dataDir, acknowledgementFile(loop.dir), String(round)],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_COMPILE_CACHE: join(loop.dir, 'cache') },
    },
  );
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const isReady = await Promise.race([once(child.stdout, 'data').then(() => true), closed.then(() => false)]);
  if (isReady) {
    await sleep(loop.random() * (loop.longestMs ?? 300));
    child.kill('SIGKILL');
  }
  const [code, signal] = await closed;
  if (signal !== 'SIGKILL') throw new Error(`round ${round} ended by itself with ${code}: ${complaints}`);
}

/** The module in the form that this process itself runs in: compiled, or a source for tsx. */
export function modulePath(child: URL): readonly string[] {
  const ending = extname(import.meta.filename);
  return [...(ending === '.ts' ? ['--import', 'tsx'] : []), `${child.pathname}${ending}`];
}

export function acknowledgementFile(dir: string): string {
  return join(dir, 'acknowledged');
}

/** Every whole line of acknowledgement. */
export function readAcknowledged(dir: string): readonly string[] {
  const file = acknowledgementFile(dir);
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}
