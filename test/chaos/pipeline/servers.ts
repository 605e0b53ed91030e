import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess, isRunning } from '../../../cli/stack/process-identity.ts';
import { stackDown, stackUp, type StackServiceKind } from '../../../cli/stack/stack.ts';
import { readState, type StackService } from '../../../cli/stack/state.ts';
import { outOfSync } from './replicas.ts';

const BROKER_HEAP_MB = 320;
const END_TIMEOUT_MS = 20_000;

/** Servers of one kind in a folder of their own, so that each kind breaks and comes back beside the others. */
export class Servers {
  readonly #kind: StackServiceKind;
  readonly #dir: string;
  readonly #count: number;

  constructor(kind: StackServiceKind, dir: string, count = 1) {
    this.#kind = kind;
    this.#dir = join(dir, kind);
    this.#count = count;
  }

  /** Starts what does not run, on the ports it had before, and waits until it answers; the settings that lead there. */
  async up(): Promise<Readonly<Record<string, string>>> {
    const { settings } = await stackUp({
      dir: this.#dir,
      services: [this.#kind],
      anyPorts: true,
      ...(this.#kind === 'kafka' ? { brokers: this.#count, heapMb: BROKER_HEAP_MB, isShortLived: true } : {}),
    });
    return settings;
  }

  /** In the order of their names. */
  async list(): Promise<readonly StackService[]> {
    const { services } = await readState(this.#dir);
    return [...services].sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Ends a server: by SIGKILL, or as its administrator would. */
  async end(service: StackService, how: 'kill' | 'stop'): Promise<void> {
    if (how === 'stop') {
      await endProcess(service, END_TIMEOUT_MS);
      return;
    }
    if (isRunning(service)) process.kill(service.pid, 'SIGKILL');
  }

  /**
   * Resolves when every partition is in sync on all brokers again: only then can the next one be spared.
   * @throws Error after `timeoutMs`
   */
  async untilInSync(timeoutMs: number): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const counts = await Promise.all((await this.list()).map(({ port }) => outOfSync(port)));
      if (counts.every((count) => count === 0)) return;
      if (performance.now() > deadlineMs) throw new Error(`partitions out of sync: ${counts.join(', ')}`);
      await sleep(500);
    }
  }

  /** Ends them; logs and data stay. */
  async down(): Promise<void> {
    await stackDown({ dir: this.#dir });
  }
}
