import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PACKAGE_ROOT } from '../../../schemas/package-root.ts';
import { millraceMain } from '../../harness/millrace-process.ts';
import { openLink, type NetworkLink } from './network-link.ts';

/** Exit code of a bug (cli/run.ts). */
const EXIT_BUG = 70;
const RESTART_MS = 500;
/** From SIGTERM to the end, with every server away. */
const STOP_TIMEOUT_MS = 40_000;

export interface ProcessorOptions {
  readonly name: string;
  /** Folder of the run: data and log of the processor lie in it. */
  readonly dir: string;
  /** Ports of the brokers. */
  readonly brokerPorts: readonly number[];
  /** Settings of the processor, but for its brokers and its folder. */
  readonly settings: Readonly<Record<string, string>>;
  /** Told when it ends without having been ended. */
  readonly onExit: (exit: { readonly name: string; readonly code: number | null }) => void;
  /** Told when it does not end within 40 s of SIGTERM; it is killed then. */
  readonly onStuck: (name: string) => void;
}

/**
 * One instance: `millrace start processors`, with proxies of its own between it and each broker, and a supervisor that
 * starts it again when it ends by itself, as any operator has one.
 */
export class Processor {
  readonly name: string;
  readonly #options: ProcessorOptions;
  readonly #links: readonly NetworkLink[];
  #child: ChildProcess | undefined;
  #isWanted = true;
  #isFrozen = false;
  /** Changes of the process, one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(options: ProcessorOptions, links: readonly NetworkLink[]) {
    this.name = options.name;
    this.#options = options;
    this.#links = links;
  }

  static async start(options: ProcessorOptions): Promise<Processor> {
    const ports = new Map<number, number>();
    const links: NetworkLink[] = [];
    for (const target of options.brokerPorts) {
      const link = await openLink({ target, ports: () => ports });
      links.push(link);
      ports.set(target, link.port);
    }
    await mkdir(join(options.dir, options.name), { recursive: true });
    const processor = new Processor(options, links);
    processor.#spawn();
    return processor;
  }

  get logFile(): string {
    return join(this.#options.dir, this.name, 'log');
  }

  /** False while it is ended, or frozen. */
  get isUp(): boolean {
    return this.#child !== undefined && isAlive(this.#child) && !this.#isFrozen;
  }

  /** Ends it by a signal, and starts it again after some time. Answers the exit code; null after SIGKILL. */
  restart(signal: 'SIGKILL' | 'SIGTERM', afterMs: number): Promise<number | null> {
    return this.#inTurn(async () => {
      const code = await this.#end(signal);
      await sleep(afterMs);
      if (this.#isWanted) this.#spawn();
      return code;
    });
  }

  /** SIGSTOP for some time: its connections stand, and its heartbeats do not come. */
  async freeze(forMs: number): Promise<void> {
    const child = this.#child;
    if (child === undefined || !isAlive(child)) return;
    this.#isFrozen = true;
    child.kill('SIGSTOP');
    await sleep(forMs);
    child.kill('SIGCONT');
    this.#isFrozen = false;
  }

  /** Its connections to all brokers are cut, or stand still, for some time. */
  async disconnect(how: 'cut' | 'freeze', forMs: number): Promise<void> {
    for (const link of this.#links) link[how](true);
    await sleep(forMs);
    for (const link of this.#links) link[how](false);
  }

  /** Ends it for good with SIGTERM. Answers the exit code. */
  leave(): Promise<number | null> {
    this.#isWanted = false;
    return this.#inTurn(async () => {
      const code = await this.#end('SIGTERM');
      await Promise.all(this.#links.map((link) => link.close()));
      return code;
    });
  }

  /** SIGKILL for good. */
  async kill(): Promise<void> {
    this.#isWanted = false;
    this.#child?.kill('SIGKILL');
    await Promise.all(this.#links.map((link) => link.close()));
  }

  /** Every line of its log that is JSON. */
  async logLines(): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const text = await readFile(this.logFile, 'utf8');
    return text.split('\n').flatMap((line) => {
      try {
        return line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : [];
      } catch {
        return []; // Torn by a kill.
      }
    });
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || !isAlive(child)) return 0;
    const closed = once(child, 'exit') as Promise<[number | null]>;
    child.kill(signal);
    const patience = setTimeout(() => {
      this.#options.onStuck(this.name);
      child.kill('SIGKILL');
    }, STOP_TIMEOUT_MS);
    const [code] = await closed;
    clearTimeout(patience);
    return code;
  }

  #spawn(): void {
    const { dir, settings, onExit } = this.#options;
    const log = openSync(this.logFile, 'a');
    const child = spawn(process.execPath, [...millraceMain(), 'start', 'processors'], {
      cwd: PACKAGE_ROOT,
      env: {
        ...{ PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' },
        NODE_COMPILE_CACHE: join(dir, 'compile-cache'),
        ...settings,
        MR_DATA_DIR: join(dir, this.name, 'data'),
        MR_KAFKA_BROKERS: this.#links.map(({ port }) => `127.0.0.1:${port}`).join(','),
      },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#child = child;
    this.#isFrozen = false;
    child.once('exit', (code) => {
      if (this.#child !== child || !this.#isWanted) return;
      onExit({ name: this.name, code });
      void this.#inTurn(async () => {
        await sleep(RESTART_MS);
        if (this.#isWanted && this.#child === child) this.#spawn();
      });
    });
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const run = this.#last.then(change);
    this.#last = run.catch(() => undefined); // its caller has the error
    return run;
  }
}

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** Whether a process that ended by itself says of itself that it has met a bug; null is a signal. */
export function isBug(code: number | null): boolean {
  return code === EXIT_BUG;
}
