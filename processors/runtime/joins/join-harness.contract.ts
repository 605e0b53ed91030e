/** What the tests of joins run on: a task of one join, with a watermark, restarts and steps that throw, by hand. */
import type { StepResult } from '../step-result.ts';
import type { KeyedStore, StoreOptions } from '../state/keyed-store.ts';
import type { StatefulPart } from '../stateful-part.ts';
import type { TaskContext } from '../topology.ts';

/** A store that counts what is asked of it. Its values go through JSON in a restart. */
class HarnessStore<V> {
  readonly layout: string | undefined;
  readonly #entries: Map<string, V>;
  readonly #count: () => void;

  constructor(options: StoreOptions<V>, saved: string | undefined, count: () => void) {
    this.layout = options.layout;
    this.#entries = new Map(saved === undefined ? [] : (JSON.parse(saved) as [string, V][]));
    this.#count = count;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    this.#count();
    return this.#entries.get(key);
  }

  has(key: string): boolean {
    this.#count();
    return this.#entries.has(key);
  }

  set(key: string, value: V): void {
    this.#count();
    this.#entries.set(key, value);
  }

  delete(key: string): void {
    this.#count();
    this.#entries.delete(key);
  }

  *entries(): IterableIterator<[string, V]> {
    for (const entry of this.#entries) {
      this.#count();
      yield entry;
    }
  }

  save(): string {
    return JSON.stringify([...this.#entries]);
  }

  /** Takes back everything since it was saved. */
  restore(saved: string): void {
    this.#entries.clear();
    for (const [key, value] of JSON.parse(saved) as [string, V][]) this.#entries.set(key, value);
  }
}

/** What `rolledBack` throws in the place of a fault of the user's. */
class StepFault extends Error {}

export class JoinHarness<J, R> {
  /** Everything that was told so far; not what a step told that threw. */
  readonly results: R[] = [];
  /** Calls of stores so far. */
  operations = 0;
  join: J;
  watermarkMs = Number.NEGATIVE_INFINITY;
  readonly #create: (context: TaskContext, onResult: (result: R) => void) => J;
  #stores = new Map<string, HarnessStore<unknown>>();
  #parts: StatefulPart[] = [];
  #isFaulty = false;

  /** @param create makes the join, as a processor does */
  constructor(create: (context: TaskContext, onResult: (result: R) => void) => J) {
    this.#create = create;
    this.join = this.#start(new Map());
  }

  /** Takes what was told since the last call. */
  take(): R[] {
    return this.results.splice(0);
  }

  /** Moves the watermark; as in a task, nothing happens where it does not grow. */
  advance(watermarkMs: number): void {
    if (watermarkMs <= this.watermarkMs) return;
    this.watermarkMs = watermarkMs;
    for (const part of this.#parts) part.advance?.(watermarkMs, 'watermark');
  }

  /** A new task over what the stores hold. */
  restart(): void {
    this.join = this.#start(this.#save());
  }

  /** A step that throws: at the first result, or at its end. What it did is taken back in the stores alone. */
  rolledBack(step: () => StepResult): void {
    const saved = this.#save();
    const told = this.results.length;
    this.#isFaulty = true;
    try {
      step();
    } catch (error) {
      if (!(error instanceof StepFault)) throw error;
    }
    this.#isFaulty = false;
    this.results.length = told;
    for (const [name, store] of this.#stores) store.restore(saved.get(name) ?? '[]');
  }

  get isPending(): boolean {
    return this.#parts.some(({ isPending }) => isPending === true);
  }

  /** Entries over all stores. */
  get entries(): number {
    let entries = 0;
    for (const { size } of this.#stores.values()) entries += size;
    return entries;
  }

  get layouts(): Readonly<Record<string, string | undefined>> {
    return Object.fromEntries([...this.#stores].map(([name, { layout }]) => [name, layout]));
  }

  #save(): Map<string, string> {
    return new Map([...this.#stores].map(([name, store]) => [name, store.save()]));
  }

  #start(saved: ReadonlyMap<string, string>): J {
    this.#stores = new Map();
    this.#parts = [];
    const context = {
      partition: 0,
      watermarkMs: () => this.watermarkMs,
      now: () => 0,
      store: <V>(name: string, options: StoreOptions<V> = {}) => {
        if (this.#stores.has(name)) throw new Error(`store name ${name} is taken`);
        const store = new HarnessStore<V>(options, saved.get(name), () => (this.operations += 1));
        this.#stores.set(name, store);
        return store as unknown as KeyedStore<V>;
      },
      attach: (part: StatefulPart) => this.#parts.push(part),
    } as unknown as TaskContext;
    const join = this.#create(context, (result) => {
      if (this.#isFaulty) throw new StepFault();
      this.results.push(result);
    });
    for (const part of this.#parts) part.rebuild?.(this.watermarkMs);
    return join;
  }
}

/** Rows without an order, each as often as it was told. */
export function multiset(rows: readonly unknown[]): readonly string[] {
  // An absent side and one that is undefined are the same.
  return rows.map((row) => JSON.stringify(row)).sort();
}
