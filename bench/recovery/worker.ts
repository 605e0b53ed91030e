import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Told } from './watched-kafka.ts';

export type Guarantee = 'exactly-once' | 'at-least-once';

/** What a worker process is told. */
export interface WorkerTask {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly groupId: string;
  readonly commitIntervalMs: number;
  readonly sessionTimeoutMs: number;
  readonly withStandbys: boolean;
  readonly guarantee: Guarantee;
  /** Data folder of its own. */
  readonly dir: string;
}

/** A worker process and what it has told so far. */
export class Worker {
  readonly told: Told[] = [];
  readonly #child: ChildProcess;

  constructor(task: WorkerTask) {
    const ending = extname(import.meta.filename);
    this.#child = fork(
      fileURLToPath(new URL(`./worker-child${ending}`, import.meta.url)),
      [JSON.stringify(task)],
      {
        execArgv: ending === '.ts' ? ['--import', 'tsx'] : [],
      },
    );
    this.#child.on('message', (told) => this.told.push(told as Told));
  }

  /** Partitions that it has read since it was last ready; undefined while it takes others over. */
  get partitions(): readonly number[] | undefined {
    const last = this.told.findLast(
      ({ kind }) => kind === 'assigned' || kind === 'ready' || kind === 'revoked',
    );
    if (last?.kind !== 'ready') return undefined;
    const assigned = this.told.findLast((told) => told.kind === 'assigned');
    return assigned?.kind === 'assigned' ? assigned.partitions : undefined;
  }

  /** @throws Error where it has ended by itself */
  check(): void {
    const { exitCode } = this.#child;
    if (exitCode !== null) throw new Error(`a worker ended by itself with ${exitCode}`);
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
  }
}
