import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyedStore, type StateChange, type StoreOptions } from './keyed-store.ts';
import { memorySpill } from './memory-spill.contract.ts';
import { taskTime, type StoreEnvironment } from './store-environment.ts';
import { UndoLog } from './undo-log.ts';

interface Value {
  n: number;
}

interface Known {
  readonly n: number;
  readonly writtenMs: number;
}

/** What a store should hold, told in the plainest way: entries in the order in which they would be forgotten. */
class Oracle {
  entries: [key: string, entry: Known][] = [];
  readonly #dirty = new Set<string>();
  readonly #maxEntries: number;
  readonly #ttlMs: number;

  constructor({ maxEntries = Infinity, ttlMs = Infinity }: StoreOptions) {
    this.#maxEntries = maxEntries;
    this.#ttlMs = ttlMs;
  }

  live(watermarkMs: number): Map<string, Value> {
    const live = this.entries.filter(([, { writtenMs }]) => writtenMs + this.#ttlMs > watermarkMs);
    return new Map(live.map(([key, { n }]) => [key, { n }]));
  }

  find(key: string): Known | undefined {
    return this.entries.find(([other]) => other === key)?.[1];
  }

  /** In its place where it was written since the last commit already, else behind all others. */
  write(key: string, entry: Known): void {
    const index = this.entries.findIndex(([other]) => other === key);
    if (index >= 0 && this.#dirty.has(key)) this.entries[index] = [key, entry];
    else {
      this.entries = [...this.entries.filter(([other]) => other !== key), [key, entry]];
      this.#dirty.add(key);
    }
  }

  remove(key: string): void {
    const had = this.find(key) !== undefined;
    this.entries = this.entries.filter(([other]) => other !== key);
    if (had) this.#dirty.add(key);
  }

  /** From the front on, as far as the time is over. */
  expire(count: number, watermarkMs: number): void {
    for (let [front] = this.entries; count > 0 && front !== undefined; [front] = this.entries, count--) {
      if (front[1].writtenMs + this.#ttlMs > watermarkMs) return;
      this.remove(front[0]);
    }
  }

  get tooMany(): string | undefined {
    return this.entries.length > this.#maxEntries ? this.entries[0]?.[0] : undefined;
  }

  commit(): void {
    this.#dirty.clear();
  }
}

type Action =
  | { readonly kind: 'set'; readonly key: string; readonly n: number }
  | { readonly kind: 'get' | 'delete' | 'mutate'; readonly key: string }
  | { readonly kind: 'walk' };

type Move =
  | { readonly kind: 'step'; readonly actions: readonly Action[]; readonly fails: boolean }
  | { readonly kind: 'commit' | 'restart' | 'expire' }
  | { readonly kind: 'evict'; readonly bytes: number }
  | { readonly kind: 'time'; readonly byMs: number; readonly lagMs: number };

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'é', '');
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('set' as const), key, n: fc.nat(99) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('get' as const, 'delete' as const, 'mutate' as const),
      key,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('walk' as const) }) },
);
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('step' as const),
      actions: fc.array(action, { maxLength: 6, size: 'max' }),
      fails: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('commit' as const, 'restart' as const, 'expire' as const) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('evict' as const), bytes: fc.constantFrom(1, 300, 1e6) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('time' as const), byMs: fc.nat(20), lagMs: fc.nat(15) }),
  },
);

interface Conditions {
  /** Whether steps can be undone. */
  readonly isCareful: boolean;
  readonly hasDisk: boolean;
}

const conditions = fc.record({ isCareful: fc.boolean(), hasDisk: fc.boolean() });

/** A store with its changelog, beside the oracle; all that is read is compared at once. */
class Run {
  readonly #options: StoreOptions<Value>;
  readonly #env: StoreEnvironment;
  readonly #log: StateChange[] = [];
  readonly #oracle: Oracle;
  #store: KeyedStore<Value>;

  constructor(options: StoreOptions<Value>, { isCareful, hasDisk }: Conditions) {
    const spill = memorySpill();
    this.#options = options;
    this.#env = {
      ...{ taskId: 't', time: taskTime(), undo: new UndoLog() },
      ...(hasDisk ? { spillMap: (name) => spill.map(name) } : {}),
    };
    this.#env.time.eventTimeMs = this.#env.time.watermarkMs = 0;
    this.#env.undo.isActive = isCareful;
    this.#oracle = new Oracle(options);
    this.#store = new KeyedStore('s', options, this.#env);
  }

  move(move: Move): void {
    switch (move.kind) {
      case 'step':
        this.#step(move.actions, move.fails);
        break;
      case 'commit':
        this.#commit();
        break;
      case 'restart':
        this.#restart();
        break;
      case 'expire':
        this.#store.expire(3);
        this.#oracle.expire(3, this.#env.time.watermarkMs);
        break;
      case 'evict':
        this.#store.evict(move.bytes);
        break;
      case 'time':
        this.#env.time.eventTimeMs += move.byMs;
        this.#env.time.watermarkMs = Math.max(
          this.#env.time.watermarkMs,
          this.#env.time.eventTimeMs - move.lagMs,
        );
    }
    this.#compare();
  }

  /** When all time is over, nothing is left. */
  end(): void {
    this.#commit();
    if (this.#options.ttlMs === undefined) return;
    this.#env.time.watermarkMs = this.#env.time.eventTimeMs + this.#options.ttlMs;
    this.#store.expire(Infinity);
    expect(this.#store.size).toBe(0);
  }

  #step(actions: readonly Action[], fails: boolean): void {
    const { undo } = this.#env;
    undo.clear();
    const touched = new Map<string, Known | undefined>();
    const touch = (key: string) => {
      if (!touched.has(key)) touched.set(key, this.#oracle.find(key));
    };
    for (const action of actions) this.#act(action, touch, fails && undo.isActive);
    if (!fails || !undo.isActive) return;
    undo.rollback();
    for (const [key, before] of [...touched].reverse()) {
      if (before === undefined) this.#oracle.remove(key);
      else this.#oracle.write(key, before);
    }
  }

  #act(action: Action, touch: (key: string) => void, isUndone: boolean): void {
    if (action.kind === 'walk') {
      for (const [key, value] of this.#store.entries()) {
        touch(key);
        if (isUndone) value.n = -1;
      }
      return;
    }
    const { key } = action;
    touch(key);
    if (action.kind === 'set') this.#set(key, action.n, touch);
    else if (action.kind === 'delete') {
      this.#store.delete(key);
      this.#oracle.remove(key);
    } else {
      const value = this.#store.get(key);
      if (!isUndone) expect(value).toEqual(this.#live().get(key));
      // A step that fails may have changed in place what it was given.
      if (action.kind === 'mutate' && value !== undefined && isUndone) value.n = -1;
    }
  }

  #set(key: string, n: number, touch: (key: string) => void): void {
    this.#store.set(key, { n });
    this.#oracle.write(key, { n, writtenMs: this.#env.time.eventTimeMs });
    for (let oldest = this.#oracle.tooMany; oldest !== undefined; oldest = this.#oracle.tooMany) {
      touch(oldest);
      this.#oracle.remove(oldest);
    }
  }

  #commit(): void {
    this.#env.undo.clear();
    this.#store.drainChanges((change) => this.#log.push(change));
    this.#oracle.commit();
    expect(this.#store.changes).toBe(0);
  }

  /** What was committed comes back, whatever was spilled; eviction goes on in between. */
  #restart(): void {
    this.#commit();
    this.#store.close();
    this.#store = new KeyedStore('s', this.#options, this.#env);
    for (const [index, { key, value, writtenMs }] of this.#log.entries()) {
      this.#store.restore(key, value, writtenMs);
      if (index % 3 === 2) this.#store.evict(300);
    }
    expect(this.#store.changes).toBe(0);
  }

  #live(): Map<string, Value> {
    return this.#oracle.live(this.#env.time.watermarkMs);
  }

  #compare(): void {
    const { undo } = this.#env;
    undo.clear();
    const live = this.#live();
    undo.suspended(() => {
      const entries = [...this.#store.entries()];
      expect(new Map(entries)).toEqual(live);
      expect(entries).toHaveLength(live.size);
      for (const key of ['a', 'b', 'c', 'zz']) expect(this.#store.has(key)).toBe(live.has(key));
      expect(this.#store.size).toBe(this.#oracle.entries.length);
      if (this.#options.maxEntries !== undefined && this.#env.spillMap === undefined)
        expect(entries.map(([key]) => key)).toEqual([...live.keys()]);
    });
  }
}

const RUNS = { numRuns: 200 };

test.each([
  ['without a bound', {}],
  ['with a bound', { maxEntries: 3 }],
  ['with a time to live', { ttlMs: 25 }],
  ['with a time to live and a bound', { ttlMs: 25, maxEntries: 4 }],
] satisfies [string, StoreOptions<Value>][])(
  'a store %s is a Map, through commits, evictions, restarts and steps that are undone',
  (_name, options) => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 40, size: 'max' }), conditions, (moves, given) => {
        const run = new Run(options, given);
        for (const each of moves) run.move(each);
        run.end();
      }),
      RUNS,
    );
  },
);
