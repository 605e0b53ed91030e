import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StepResult } from '../step-result.ts';
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
import { members, WindowHarness, type Said } from './window-harness.contract.ts';
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
const TIMEOUT = { timeout: 60_000 };
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

const actions: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.constant('nothing') },
  { weight: 2, arbitrary: fc.constant('commit') },
  fc.constant('crash'),
  fc.constant('tick'),
  fc.constant('throw'),
);

interface PlanOptions {
  readonly graceMs: number;
  /** Times are whole multiples of this after the base. */
  readonly unitMs?: number;
  readonly baseMs?: number;
}

/** Events in order of time, each then delayed: by no more than the out-of-order bound and the grace, or by more. */
function plans({ graceMs, unitMs = 1, baseMs = 0 }: PlanOptions): fc.Arbitrary<Plan> {
  const event = fc.record({
    key: fc.constantFrom('a', 'b', 'c|d'),
    place: fc.double({ min: 0, max: 1, noNaN: true }),
    delay: fc.double({ min: 0, max: 1, noNaN: true }),
    action: actions,
  });
  return fc
    .record({
      events: fc.array(event, { maxLength: MAX_EVENTS }),
      spread: fc.constantFrom(20, 80, 250),
      emit: policies,
      outOfOrder: fc.integer({ min: 0, max: 40 }),
      lateness: fc.constantFrom(0, 15, 200),
    })
    .map(({ events, spread, emit, outOfOrder, lateness }) => {
      const isLate = lateness > 0;
      const outOfOrderMs = isLate ? 0 : outOfOrder * unitMs;
      const boundMs = isLate ? lateness * unitMs : outOfOrderMs + graceMs;
      const steps = events
        .map(({ key, place, delay, action }) => {
          const timeMs = baseMs + Math.floor(place * spread) * unitMs;
          return { key, timeMs, action, arrivesMs: timeMs + delay * boundMs };
        })
        .sort((a, b) => a.arrivesMs - b.arrivesMs);
      return { steps, emit, outOfOrderMs, isLate };
    });
}

interface Run {
  readonly arrivals: readonly Arrival[];
  readonly late: ReadonlySet<number>;
  readonly correcting: ReadonlySet<number>;
  readonly said: readonly Said<string>[];
}

/** Runs a plan; after a crash the events since the last commit come again. `committed` sees everything so far. */
function run(window: WindowSpec, { steps, emit, outOfOrderMs }: Plan, committed: (so: Run) => void): Run {
  const harness = new WindowHarness({ window, aggregator: members(), emit });
  const arrivals: Arrival[] = [];
  const results: StepResult[] = [];
  const crashed = new Set<number>();
  const idsOf = (fits: (result: StepResult) => boolean) =>
    new Set(arrivals.map(({ id }) => id).filter((id) => fits(results[id] as StepResult)));
  const soFar = (): Run => ({
    arrivals,
    late: idsOf(({ kind }) => kind === 'late'),
    correcting: idsOf((result) => result.kind === 'late' && result.corrected === true),
    said: harness.said,
  });
  let next = 0;
  for (let id = 0; id < steps.length; id++) {
    const { key, timeMs, action } = steps[id] as Step;
    arrivals.length = results.length = id;
    arrivals.push({ id, key, timeMs, watermarkMs: harness.watermarkMs });
    if (action === 'throw')
      harness.rolledBack(() => {
        harness.add(key, 1_000_000 + id, timeMs);
        harness.add('a', 2_000_000 + id, timeMs + 7);
      });
    results.push(harness.add(key, id, timeMs));
    harness.advance(timeMs - outOfOrderMs);
    if (action === 'tick') harness.tick(5);
    if (action === 'commit') {
      harness.commit();
      committed(soFar());
      next = id + 1;
    }
    if (action === 'crash' && !crashed.has(id)) {
      crashed.add(id);
      harness.restart();
      id = next - 1;
    }
  }
  harness.advance(Number.MAX_SAFE_INTEGER, 'idle');
  harness.commit();
  expect(harness.isPending).toBe(false);
  if (window.kind !== 'count') expect(harness.entries).toBe(0);
  return soFar();
}

/** The last value of each row; checks on the way what emissions promise. */
function finalRows(
  said: readonly Said<string>[],
  rowOf: (result: WindowResult<string>) => string,
  closesAtMs: (result: WindowResult<string>) => number,
): Map<string, string> {
  const rows = new Map<string, string>();
  const closed = new Set<string>();
  let latestMs = Number.NEGATIVE_INFINITY;
  for (const { result, beforeMs, watermarkMs } of said) {
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
        // By their end, and as soon as the watermark allows.
        expect(closesAtMs(result)).toBeGreaterThanOrEqual(Math.max(beforeMs, latestMs));
        expect(closesAtMs(result)).toBeLessThanOrEqual(watermarkMs);
        latestMs = closesAtMs(result);
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

interface CheckOptions<W> extends Omit<PlanOptions, 'graceMs'> {
  /** From the end of a window to its close. */
  readonly closesAfterMs: (window: W) => number;
  readonly rowOf?: (window: W) => (result: WindowResult<string>) => string;
}

/** Holds a kind of window against what it should say: in the end, and on update with each commit. */
function check<W extends WindowSpec & { readonly graceMs: number }>(
  windows: fc.Arbitrary<W>,
  expected: (window: W, arrivals: readonly Arrival[]) => Expected,
  { closesAfterMs, rowOf = () => bounds, ...options }: CheckOptions<W>,
): void {
  const cases = windows.chain((window) =>
    plans({ graceMs: window.graceMs, ...options }).map((plan) => ({ window, plan })),
  );
  fc.assert(
    fc.property(cases, ({ window, plan }) => {
      const checkRows = ({ said, arrivals }: Run) => {
        const closesAtMs = ({ windowEndMs }: WindowResult<string>) => windowEndMs + closesAfterMs(window);
        const rows = finalRows(said, rowOf(window), closesAtMs);
        expect(rows).toEqual(expected(window, arrivals).rows);
      };
      const all = run(window, plan, (soFar) => {
        if (plan.emit.isOnUpdate) checkRows(soFar);
      });
      checkRows(all);
      const { late, correcting = new Set() } = expected(window, all.arrivals);
      expect(all.late).toEqual(late);
      expect(all.correcting).toEqual(new Set([...correcting].filter((id) => late.has(id))));
      if (!plan.isLate) expect(late.size).toBe(0);
    }),
    { numRuns: RUNS },
  );
}

const ms = (max: number, min = 0) => fc.integer({ min, max });
const size = (min: number) => fc.oneof(ms(8, min), ms(60, min));

test(
  'tumbling windows say what brute force says, over restarts, rolled-back steps and late events',
  TIMEOUT,
  () => {
    const windows = fc
      .record({ sizeMs: size(1), offset: ms(59), graceMs: size(0), correctionsMs: size(0) })
      .map(({ offset, ...rest }) => tumbling({ ...rest, offsetMs: offset % rest.sizeMs }));
    check(windows, expectEvenWindows, { closesAfterMs: ({ graceMs }) => graceMs });
  },
);

test('hopping windows say what brute force says, whatever size and slide', TIMEOUT, () => {
  const windows = fc
    .record({ sizeMs: size(1), slide: size(0), offset: ms(59), graceMs: size(0), correctionsMs: size(0) })
    .map(({ slide, offset, ...rest }) => {
      const slideMs = 1 + (slide % rest.sizeMs);
      return hopping({ ...rest, slideMs, offsetMs: offset % slideMs });
    });
  check(windows, expectEvenWindows, { closesAfterMs: ({ graceMs }) => graceMs });
});

test('calendar days say what the calendar says, where clocks are changed too', TIMEOUT, () => {
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
    closesAfterMs: ({ graceMs }) => graceMs,
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

test('sliding windows say what brute force says for each moment', TIMEOUT, () => {
  const windows = fc.record({ sizeMs: size(0), graceMs: size(0) }).map((options) => sliding(options));
  check(windows, expectSliding, { closesAfterMs: ({ graceMs }) => 1 + graceMs });
});

test('sessions say what brute force says, and take back what no longer holds', TIMEOUT, () => {
  const windows = fc.record({ gapMs: size(1), graceMs: size(0) }).map((options) => session(options));
  check(windows, expectSessions, { closesAfterMs: ({ gapMs, graceMs }) => gapMs + graceMs });
});

test('count windows say every event in turn, full or at the end of an idle key', TIMEOUT, () => {
  const windows = fc
    .record({ size: ms(12, 1), slide: ms(11), idleMs: fc.option(ms(100, 1), { nil: undefined }) })
    .map(({ size, slide, idleMs }) =>
      countWindow({ size, slide: 1 + (slide % size), ...(idleMs === undefined ? {} : { idleMs }) }),
    );
  const cases = fc.record({ window: windows, plan: plans({ graceMs: 0 }) });
  fc.assert(
    fc.property(cases, ({ window, plan }) => {
      const { arrivals, late, said: all } = run(window, plan, () => undefined);
      expect(late.size).toBe(0);
      const should = expectCounts(window, arrivals);
      const said = new Map<string, string[]>();
      const open = new Map<string, WindowResult<string>>();
      for (const { result } of all) {
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
