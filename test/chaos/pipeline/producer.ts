import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { modulePath } from '../crash-loop.ts';

/** What the producer process is told. */
export interface ProducerTask {
  /** Of its book. */
  readonly dir: string;
  readonly brokers: readonly string[];
  readonly namespace: string;
  readonly seed: number;
  /** Number of the start: another start with the same seed makes other events. */
  readonly round: number;
  readonly ratePerSecond: number;
}

/** The producer process, from its first start to its last acknowledgement. */
export class Producer {
  readonly #task: Omit<ProducerTask, 'round'>;
  readonly #logFile: string;
  #round = 0;
  #child: ChildProcess;

  constructor(task: Omit<ProducerTask, 'round'>, logDir: string) {
    this.#task = task;
    this.#logFile = join(logDir, 'producer.log');
    this.#child = this.#spawn();
  }

  /** Throws where it ended by itself, with the place of what it said. */
  check(): void {
    if (this.#child.exitCode !== null) throw new Error(`the producer ended by itself: ${this.#logFile}`);
  }

  /** SIGKILL, and another start after some time. */
  async killAndRestart(afterMs: number): Promise<void> {
    this.check();
    this.#child.kill('SIGKILL');
    await ended(this.#child);
    await sleep(afterMs);
    this.#child = this.#spawn();
  }

  /** Has it close its shop, and waits until all that it intended is acknowledged. */
  async finish(timeoutMs: number): Promise<void> {
    this.check();
    this.#child.kill('SIGTERM');
    const isDone = await Promise.race([
      ended(this.#child).then(() => true),
      sleep(timeoutMs, false, { ref: false }),
    ]);
    if (!isDone)
      throw new Error(`the producer was not acknowledged within ${timeoutMs} ms: ${this.#logFile}`);
    if (this.#child.exitCode !== 0) throw new Error(`the producer failed: ${this.#logFile}`);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await ended(this.#child);
  }

  #spawn(): ChildProcess {
    const task: ProducerTask = { ...this.#task, round: this.#round++ };
    const log = openSync(this.#logFile, 'a');
    const path = modulePath(new URL('./producer-child', import.meta.url));
    const child = spawn(process.execPath, [...path, JSON.stringify(task)], { stdio: ['ignore', log, log] });
    closeSync(log);
    return child;
  }
}

/** Resolves when the process has ended; at once where it has. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
