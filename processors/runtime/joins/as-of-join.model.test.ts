import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joinAsOf, type AsOfJoin, type TableJoinResult, type TableJoinType } from './index.ts';
import { JoinHarness, multiset } from './join-harness.contract.ts';

const RUNS = 1000;

type Told = TableJoinResult<number, number | undefined>;

interface Times {
  readonly historyMs: number;
  readonly graceMs: number;
}

/** Of the stream, or a row or a deletion of the table. */
interface Entry {
  readonly kind: 'stream' | 'row' | 'deletion';
  readonly key: string;
  readonly timeMs: number;
  readonly id: number;
}

function harness(type: TableJoinType, times: Times): JoinHarness<AsOfJoin<number, number>, Told> {
  return new JoinHarness((context, onResult) =>
    joinAsOf<number, number>(context, { name: 'j', type, ...times, onResult }),
  );
}

function add({ join }: JoinHarness<AsOfJoin<number, number>, Told>, { kind, key, timeMs, id }: Entry) {
  if (kind === 'stream') return join.stream(key, id, timeMs);
  return join.table(key, kind === 'row' ? id : null, timeMs);
}

/** By brute force: of all entries that came, the last of the latest rows. */
function answer(type: TableJoinType, { key, timeMs, id }: Entry, came: readonly Entry[]): Told[] {
  let best: Entry | undefined;
  for (const entry of came) {
    const isValid = entry.kind !== 'stream' && entry.key === key && entry.timeMs <= timeMs;
    if (isValid && (best === undefined || entry.timeMs >= best.timeMs)) best = entry;
  }
  const table = best?.kind === 'row' ? best.id : undefined;
  return table === undefined && type === 'inner' ? [] : [{ key, stream: id, table, eventTimeMs: timeMs }];
}

class Oracle {
  readonly rows: Told[] = [];
  readonly late: number[] = [];
  readonly #type: TableJoinType;
  readonly #times: Times;
  readonly #came: Entry[] = [];
  #waiting: Entry[] = [];
  #watermarkMs = Number.NEGATIVE_INFINITY;

  constructor(type: TableJoinType, times: Times) {
    this.#type = type;
    this.#times = times;
  }

  get isPending(): boolean {
    return this.#waiting.length > 0;
  }

  add(entry: Entry): void {
    if (this.#watermarkMs > entry.timeMs + this.#times.historyMs) this.late.push(entry.id);
    else if (entry.kind !== 'stream') this.#came.push(entry);
    else if (this.#waits(entry)) this.#waiting.push(entry);
    else this.rows.push(...answer(this.#type, entry, this.#came));
  }

  advance(watermarkMs: number): void {
    this.#watermarkMs = Math.max(this.#watermarkMs, watermarkMs);
    for (const entry of this.#waiting)
      if (!this.#waits(entry)) this.rows.push(...answer(this.#type, entry, this.#came));
    this.#waiting = this.#waiting.filter((entry) => this.#waits(entry));
  }

  #waits({ timeMs }: Entry): boolean {
    return this.#times.graceMs > 0 && this.#watermarkMs < timeMs + this.#times.graceMs;
  }
}

const times = fc
  .record({ graceMs: fc.nat(10), moreMs: fc.nat(20) })
  .map(({ graceMs, moreMs }): Times => ({ graceMs, historyMs: graceMs + moreMs }));

const entries = fc
  .array(
    fc.record({
      kind: fc.constantFrom<Entry['kind'][]>('stream', 'stream', 'row', 'row', 'deletion'),
      key: fc.constantFrom('a', 'b'),
      timeMs: fc.nat(60),
    }),
    { maxLength: 50, size: 'max' },
  )
  .map((list) => list.map((entry, id): Entry => ({ ...entry, id })));

type Action = 'nothing' | 'restart' | 'throw' | 'jump';
const actions = fc.infiniteStream(
  fc.constantFrom<Action[]>('nothing', 'nothing', 'nothing', 'nothing', 'restart', 'throw', 'jump'),
);

describe.each(['inner', 'left'] as const)('%s join', (type) => {
  test('with all rows within the grace gives the row that was valid, whatever the order', () => {
    const plans = fc.record({ times, entries, delays: fc.infiniteStream(fc.nat()), actions });
    fc.assert(
      fc.property(plans, (plan) => {
        // A row that comes exactly with the end of the grace would be too late for a value of its own time.
        const delays = Math.max(plan.times.graceMs, 1);
        const arrivals = plan.entries
          .map((entry) => ({ entry, atMs: entry.timeMs + ((plan.delays.next().value as number) % delays) }))
          .sort((a, b) => a.atMs - b.atMs || rank(a.entry) - rank(b.entry));
        const came = arrivals.map(({ entry }) => entry);
        const task = harness(type, plan.times);
        for (const entry of came) {
          expect(add(task, entry).kind).not.toBe('late');
          task.advance(entry.timeMs);
          if (plan.actions.next().value === 'restart') task.restart();
        }
        task.advance(1000);
        const expected = came
          .filter(({ kind }) => kind === 'stream')
          .flatMap((value) => answer(type, value, came));
        expect(multiset(task.results)).toEqual(multiset(expected));
        expect(task.isPending).toBe(false);
      }),
      { numRuns: RUNS },
    );
  });

  test('in any order gives what the rules say, and names what is late', () => {
    const plans = fc.record({ times, entries, outOfOrderMs: fc.nat(20), jumpMs: fc.nat(30), actions });
    fc.assert(
      fc.property(plans, (plan) => {
        const task = harness(type, plan.times);
        const oracle = new Oracle(type, plan.times);
        const late: number[] = [];
        const advance = (watermarkMs: number) => {
          task.advance(watermarkMs);
          oracle.advance(watermarkMs);
        };
        for (const entry of plan.entries) {
          const action = plan.actions.next().value as Action;
          if (action === 'throw') task.rolledBack(() => add(task, { ...entry, id: -1 }));
          if (add(task, entry).kind === 'late') late.push(entry.id);
          oracle.add(entry);
          advance(entry.timeMs - plan.outOfOrderMs);
          if (action === 'restart') task.restart();
          if (action === 'jump') advance(task.watermarkMs + plan.jumpMs);
          expect(task.isPending).toBe(oracle.isPending);
        }
        advance(1000);
        expect(multiset(task.results)).toEqual(multiset(oracle.rows));
        expect(late).toEqual(oracle.late);
        // At most one row of each key is left.
        expect(task.entries).toBeLessThanOrEqual(2);
      }),
      { numRuns: RUNS },
    );
  });
});

/** Without a grace a row counts for a value of its own time where it comes first. */
function rank({ kind }: Entry): number {
  return kind === 'stream' ? 1 : 0;
}
