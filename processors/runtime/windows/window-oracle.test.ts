import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  anyOf,
  countWindow,
  daily,
  early,
  hopping,
  onClose,
  onUpdate,
  session,
  sliding,
  tumbling,
  type EmitPolicy,
  type WindowResult,
  type WindowSpec,
} from './index.ts';
import { members, WindowHarness } from './window-harness.contract.ts';
import {
  dateIn,
  expectCounts,
  expectDays,
  expectEvenWindows,
  expectSessions,
  expectSliding,
  type Arrival,
  type Expected,
} from './window-oracle.contract.ts';

const RUNS = 1000;
const MAX_EVENTS = 60;

/** What happens after an event. `throw` is a step of another event that throws and is rolled back. */
type Action = 'nothing' | 'commit' | 'crash' | 'tick' | 'throw';

interface Step {
  readonly key: string;
  readonly timeMs: number;
  readonly action: Action;
}

interface Plan {
  readonly steps: readonly Step[];
  readonly emit: EmitPolicy;
  /** The watermark is the highest time so far minus this. */
  readonly outOfOrderMs: number;
  /** Whether events come so late that windows have closed. */
  readonly isLate: boolean;
}

const policies = fc.constantFrom(
  onClose(),
  onUpdate(),
  early({ everyMs: 3 }),
  anyOf(onUpdate(), early({ everyMs: 2 })),
);

const actions = fc.constantFrom<Action[]>(
  'nothing',
  'nothing',
  'nothing',
  'nothing',
  'commit',
  'commit',
  'crash',
  'tick',
  'throw',
);

/** Events in order of time, each then delayed: by no more than the out-of-order bound and the grace, or by far more. */
function plans(graceMs: number, unitMs = 1, baseMs = 0): fc.Arbitrary<Plan> {
  const event = fc.record({
    key: fc.constantFrom('a', 'b', 'c|d'),
    time: fc.integer({ min: 0, max: 250 }),
    delay: fc.double({ min: 0, max: 1, noNaN: true }),
    action: actions,
  });
  return fc
    .record({
      events: fc.array(event, { maxLength: MAX_EVENTS }),
      emit: policies,
      outOfOrder: fc.integer({ min: 0, max: 40 }),
      isLate: fc.boolean(),
    })
    .map(({ events, emit, outOfOrder, isLate }) => {
      const outOfOrderMs = outOfOrder * unitMs;
      const boundMs = isLate ? 200 * unitMs : outOfOrderMs + graceMs;
      const steps = events
        .map(({ key, time, delay, action }) => ({ key, timeMs: baseMs + time * unitMs, delay, action }))
        .sort((a, b) => a.timeMs + a.delay * boundMs - (b.timeMs + b.delay * boundMs));
      return { steps, emit, outOfOrderMs, isLate };
    });
}

interface Run {
  readonly arrivals: readonly Arrival[];
  readonly late: ReadonlySet<number>;
  readonly correcting: ReadonlySet<number>;
  readonly emitted: readonly WindowResult<string>[];
}

/** Runs a plan; after a crash the events since the last commit come again. */
function run(window: WindowSpec, { steps, emit, outOfOrderMs }: Plan): Run {
  const harness = new WindowHarness({ window, aggregator: members(), emit });
  const arrivals: Arrival[] = [];
  const results: ReturnType<typeof harness.add>[] = [];
  const crashed = new Set<number>();
  let committed = 0;
  for (let id = 0; id < steps.length; id++) {
    const { key, timeMs, action } = steps[id] as Step;
    arrivals[id] = { id, key, timeMs, watermarkMs: harness.watermarkMs };
    if (action === 'throw')
      harness.rolledBack(() => {
        harness.add(key, 1_000_000 + id, timeMs);
        harness.add('a', 2_000_000 + id, timeMs + 7);
      });
    results[id] = harness.add(key, id, timeMs);
    harness.advance(timeMs - outOfOrderMs);
    if (action === 'tick') harness.tick(2);
    if (action === 'commit') {
      harness.commit();
      committed = id + 1;
    }
    if (action === 'crash' && !crashed.has(id)) {
      crashed.add(id);
      harness.restart();
      id = committed - 1;
    }
  }
  harness.advance(Number.MAX_SAFE_INTEGER, 'idle');
  harness.commit();
  expect(harness.isPending).toBe(false);
  if (window.kind !== 'count') expect(harness.entries).toBe(0);
  const late = new Set<number>();
  const correcting = new Set<number>();
  results.forEach((result, id) => {
    if (result.kind === 'late') late.add(id);
    if (result.kind === 'late' && result.corrected === true) correcting.add(id);
  });
  return { arrivals, late, correcting, emitted: harness.emitted };
}

/** The last value of each row; checks on the way what emissions promise. */
function finalRows(
  emitted: readonly WindowResult<string>[],
  rowOf: (result: WindowResult<string>) => string,
): Map<string, string> {
  const rows = new Map<string, string>();
  const closed = new Set<string>();
  for (const result of emitted) {
    const row = rowOf(result);
    const { value, reason } = result;
    switch (reason) {
      case 'retraction':
        expect(value).toBe(rows.get(row));
        rows.delete(row);
        continue;
      case 'watermark':
      case 'idle':
        expect(closed).not.toContain(row);
        closed.add(row);
        break;
      case 'update':
      case 'early':
        expect(closed).not.toContain(row);
        break;
      case 'correction':
        break;
    }
    rows.set(row, value);
  }
  return rows;
}

const bounds = ({ key, windowStartMs, windowEndMs }: WindowResult<string>) =>
  `${key}/${windowStartMs}/${windowEndMs}`;

/** Holds a kind of window against what it should say. */
function check<W extends WindowSpec>(
  windows: fc.Arbitrary<W>,
  expected: (window: W, arrivals: readonly Arrival[]) => Expected,
  options: {
    readonly graceOf: (window: W) => number;
    readonly rowOf?: (window: W) => (result: WindowResult<string>) => string;
    readonly unitMs?: number;
    readonly baseMs?: number;
  },
): void {
  const { graceOf, rowOf = () => bounds, unitMs, baseMs } = options;
  const cases = windows.chain((window) =>
    plans(graceOf(window), unitMs, baseMs).map((plan) => ({ window, plan })),
  );
  fc.assert(
    fc.property(cases, ({ window, plan }) => {
      const { arrivals, late, correcting, emitted } = run(window, plan);
      const should = expected(window, arrivals);
      expect(late).toEqual(should.late);
      if (should.correcting !== undefined)
        expect(correcting).toEqual(new Set([...should.correcting].filter((id) => late.has(id))));
      if (!plan.isLate) expect(late.size).toBe(0);
      expect(finalRows(emitted, rowOf(window))).toEqual(should.rows);
    }),
    { numRuns: RUNS },
  );
}

const ms = (max: number, min = 0) => fc.integer({ min, max });

test('tumbling windows say what brute force says, over restarts, rolled-back steps and late events', () => {
  const windows = fc
    .record({ sizeMs: ms(60, 1), offset: ms(59), graceMs: ms(50), correctionsMs: ms(60) })
    .map(({ offset, ...rest }) => tumbling({ ...rest, offsetMs: offset % rest.sizeMs }));
  check(windows, expectEvenWindows, { graceOf: ({ graceMs }) => graceMs });
});

test('hopping windows say what brute force says, whatever size and slide', () => {
  const windows = fc
    .record({ sizeMs: ms(60, 1), slide: ms(59), offset: ms(59), graceMs: ms(50), correctionsMs: ms(60) })
    .map(({ slide, offset, ...rest }) => {
      const slideMs = 1 + (slide % rest.sizeMs);
      return hopping({ ...rest, slideMs, offsetMs: offset % slideMs });
    });
  check(windows, expectEvenWindows, { graceOf: ({ graceMs }) => graceMs });
});

test('calendar days say what the calendar says, where clocks are changed too', () => {
  const unitMs = 20 * 60_000;
  const windows = fc
    .record({
      timeZone: fc.constantFrom('Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'UTC'),
      grace: ms(50),
      corrections: ms(90),
    })
    .map(({ timeZone, grace, corrections }) =>
      daily({ timeZone, graceMs: grace * unitMs, correctionsMs: corrections * unitMs }),
    );
  check(windows, expectDays, {
    graceOf: ({ graceMs }) => graceMs,
    rowOf: ({ timeZone }) => {
      const date = dateIn(timeZone);
      return ({ key, windowStartMs, windowEndMs }) => {
        expect(date(windowEndMs - 1)).toBe(date(windowStartMs));
        return `${key}/${date(windowStartMs)}`;
      };
    },
    unitMs,
    baseMs: Date.UTC(2025, 2, 29, 12),
  });
});

test('sliding windows say what brute force says for each moment', () => {
  const windows = fc.record({ sizeMs: ms(60), graceMs: ms(50) }).map((options) => sliding(options));
  check(windows, expectSliding, { graceOf: ({ graceMs }) => graceMs });
});

test('sessions say what brute force says, and take back what no longer holds', () => {
  const windows = fc.record({ gapMs: ms(30, 1), graceMs: ms(50) }).map((options) => session(options));
  check(windows, expectSessions, { graceOf: ({ graceMs }) => graceMs });
});

test('count windows say every event in turn, full or at the end of an idle key', () => {
  const windows = fc
    .record({ size: ms(12, 1), slide: ms(11), idleMs: fc.option(ms(100, 1), { nil: undefined }) })
    .map(({ size, slide, idleMs }) =>
      countWindow({ size, slide: 1 + (slide % size), ...(idleMs === undefined ? {} : { idleMs }) }),
    );
  const cases = fc.record({ window: windows, plan: plans(0) });
  fc.assert(
    fc.property(cases, ({ window, plan }) => {
      const { arrivals, late, emitted } = run(window, plan);
      expect(late.size).toBe(0);
      const should = expectCounts(window, arrivals);
      const said = new Map<string, string[]>();
      const open = new Map<string, WindowResult<string>>();
      for (const result of emitted) {
        const { key, reason, value } = result;
        const shown = open.get(key);
        // At most one window of a key is shown before it is full; other bounds take it back first.
        if (reason === 'retraction') {
          expect({ ...result, reason: shown?.reason, eventTimeMs: shown?.eventTimeMs }).toEqual(shown);
          open.delete(key);
        } else if (reason === 'watermark' || reason === 'idle') {
          if (shown !== undefined) expect(bounds(result)).toBe(bounds(shown));
          open.delete(key);
          said.set(key, [...(said.get(key) ?? []), value]);
        } else {
          if (shown !== undefined) expect(bounds(result)).toBe(bounds(shown));
          open.set(key, result);
        }
      }
      expect(said).toEqual(should);
      if (window.idleMs !== undefined) expect(open.size).toBe(0);
    }),
    { numRuns: RUNS },
  );
});
