import { setImmediate as pause } from 'node:timers/promises';
import { silentLogger } from '../../../platform/log.ts';
import { MemoryOnlineStore, MemoryRowWriter } from '../../../test/harness/memory-sinks.ts';
import { T0 } from '../../../test/harness/shop-events.ts';
import type { KeyedStore } from '../state/keyed-store.ts';
import { Committer } from '../task/committer.ts';
import { OnlineSink } from '../task/sinks.ts';
import { driveTask, type TaskDriver } from '../testing/task-driver.ts';
import type { Subtopology } from '../topology.ts';

export const TTL_MS = 100_000;
const VERIFY_MS = 5000;
/** Looks until whatever was found is in the store and said there. */
const LOOKS = 12;

/** A task whose entries a test writes, with the sinks that a runner has, on a virtual clock. */
export class WordTask {
  readonly store = new MemoryOnlineStore();
  readonly rows = new MemoryRowWriter();
  nowMs = T0;
  #sink: OnlineSink;
  #committer: Committer;
  #driver: TaskDriver | undefined;
  #words: KeyedStore<string> | undefined;
  readonly #subtopology: Subtopology;

  constructor() {
    this.#subtopology = {
      name: 'words',
      inputs: [{ topic: 'in' }],
      create: (context) => {
        this.#words = context.store<string>('words');
        context.onlineView(this.#words, {
          key: (word) => `word:${word}`,
          value: (text) => (text === 'hidden' ? null : text),
          ttlMs: TTL_MS,
        });
        const lengths = context.store<number>('lengths');
        context.onlineView(lengths, {
          key: 'longest',
          whole: (entries) => String(Math.max(...[...entries].map(([, length]) => length))),
          ttlMs: TTL_MS,
        });
        this.lengths = lengths;
        return { process: () => ({ kind: 'ok' }) };
      },
    };
    [this.#sink, this.#committer] = this.#makeSinks();
  }

  lengths: KeyedStore<number> | undefined;

  get task() {
    if (this.#driver === undefined) throw new Error('not started');
    return this.#driver.task;
  }

  get sink(): OnlineSink {
    return this.#sink;
  }

  /** Starts it, or starts it again from its last commit: what it had said and not written is gone with the process. */
  async start(): Promise<void> {
    [this.#sink, this.#committer] = this.#makeSinks();
    this.#driver = await (this.#driver === undefined
      ? driveTask(this.#subtopology, { nowMs: this.nowMs })
      : this.#driver.restart());
    this.#driver.setNow(this.nowMs);
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.#driver?.setNow(this.nowMs);
  }

  set(word: string, text: string): void {
    this.#words?.set(word, text);
    this.lengths?.set(word, text.length);
  }

  delete(word: string): void {
    this.#words?.delete(word);
    this.lengths?.delete(word);
  }

  flush(): Promise<void> {
    return this.#sink.flush([this.task]);
  }

  commit(): Promise<void> {
    return this.#committer.commit(() => [this.task]);
  }

  /** What a commit does that a crash ends before its transaction. */
  async losesCommit(): Promise<void> {
    if (!this.task.hasWork) return;
    await this.#sink.commit(new Map([[this.task, this.task.prepareCommit()]]), new AbortController().signal);
  }

  /** What the loop of a runner does while nothing is to be read. */
  async idle(): Promise<void> {
    for (let look = 0; look < LOOKS; look++) {
      this.pass(VERIFY_MS);
      this.#sink.maybeVerify([this.task]);
      for (let turn = 0; turn < 12; turn++) await pause();
      if (this.#sink.hasWork(this.task)) await this.flush();
      if (this.task.hasWork) await this.commit();
    }
  }

  /** What the state says that the store holds. */
  expected(): Record<string, string> {
    return Object.fromEntries([...this.task.online.keys()].map(({ key, value }) => [key, value ?? '']));
  }

  #makeSinks(): [OnlineSink, Committer] {
    const log = silentLogger();
    const sink = new OnlineSink({ store: this.store, now: () => this.nowMs, log: log });
    const { signal } = new AbortController();
    return [sink, new Committer({ rows: this.rows, online: sink, signal, log })];
  }
}
