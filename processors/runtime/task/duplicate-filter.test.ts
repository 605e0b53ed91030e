import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DuplicateFilter } from './duplicate-filter.ts';

const HOUR_MS = 3_600_000;
const OPTIONS = { horizonMs: 24 * HOUR_MS, maxIds: 1_000_000 };

const idOf = (number: number) => Uint32Array.of(0x01890000, number >>> 3, number, number + 1);

/** What a task does with an event: true when it is the first. */
function admit(filter: DuplicateFilter, number: number, ingestTimeMs: number): boolean {
  if (filter.has(idOf(number))) return false;
  filter.add(idOf(number), ingestTimeMs);
  return true;
}

type Change = ReturnType<DuplicateFilter['takeChanges']>[number];

function restored(log: readonly Change[], options = OPTIONS): DuplicateFilter {
  const filter = new DuplicateFilter(options);
  for (const { key, value } of log) filter.restore(key, value);
  return filter;
}

/** What compaction may leave of a changelog: the last entry of each key. */
function compacted(log: readonly Change[]): Change[] {
  return log.filter((entry, index) => log.findLastIndex(({ key }) => key === entry.key) === index);
}

test('admits an id once', () => {
  const filter = new DuplicateFilter(OPTIONS);
  expect([1, 2, 1, 2, 3].map((number) => admit(filter, number, HOUR_MS))).toEqual([
    true,
    true,
    false,
    false,
    true,
  ]);
  expect(filter.size).toBe(3);
});

test('remembers an id for the horizon, and at most a sixth longer, by ingest time', () => {
  const filter = new DuplicateFilter(OPTIONS);
  admit(filter, 1, 100 * HOUR_MS + 1);
  filter.takeChanges();
  admit(filter, 2, 124 * HOUR_MS + 2);
  filter.takeChanges();
  expect(admit(filter, 1, 124 * HOUR_MS + 2)).toBe(false);
  admit(filter, 3, 128 * HOUR_MS);
  const changes = filter.takeChanges();
  expect(changes.filter(({ value }) => value === null)).toHaveLength(1);
  expect(admit(filter, 1, 128 * HOUR_MS)).toBe(true);
  expect(filter.size).toBe(3);
});

test('no changelog record is larger than a broker takes, however many ids a commit has', () => {
  const filter = new DuplicateFilter(OPTIONS);
  for (let number = 0; number < 100_000; number++) filter.add(idOf(number), HOUR_MS);
  const changes = filter.takeChanges();
  expect(changes.map(({ value }) => value?.length)).toEqual([524_288, 524_288, 524_288, 27_136]);
  const again = restored(changes);
  expect(again.size).toBe(filter.size);
  expect(admit(again, 99_999, HOUR_MS)).toBe(false);
});

test('a backlog of days keeps its duplicates, whatever the clock says', () => {
  const filter = new DuplicateFilter(OPTIONS);
  const longAgoMs = 10 * HOUR_MS;
  admit(filter, 1, longAgoMs);
  filter.takeChanges();
  filter.takeChanges();
  expect(admit(filter, 1, longAgoMs + 1)).toBe(false);
});

test('never keeps more than its bound after a commit, and forgets the oldest first', () => {
  const options = { ...OPTIONS, maxIds: 800 };
  const filter = new DuplicateFilter(options);
  const log: Change[] = [];
  for (let number = 0; number < 5000; number++) {
    admit(filter, number, HOUR_MS);
    if (number % 50 !== 49) continue;
    log.push(...filter.takeChanges());
    expect(filter.size).toBeLessThanOrEqual(800);
  }
  expect(admit(filter, 4999, HOUR_MS)).toBe(false);
  expect(admit(filter, 4400, HOUR_MS)).toBe(false);
  expect(admit(filter, 0, HOUR_MS)).toBe(true);
  expect(restored(compacted(log), options).size).toBeLessThanOrEqual(800);
});

test('writes one chunk for each span of a commit, and nothing where nothing came', () => {
  const filter = new DuplicateFilter(OPTIONS);
  admit(filter, 1, HOUR_MS);
  admit(filter, 2, HOUR_MS);
  admit(filter, 3, 5 * HOUR_MS);
  const changes = filter.takeChanges();
  expect(changes.map(({ value }) => value?.length)).toEqual([32, 16]);
  expect(new Set(changes.map(({ key }) => key)).size).toBe(2);
  expect(filter.takeChanges()).toEqual([]);
});

test('restored from the changelog, compacted or not, it decides the same', () => {
  const step = fc.record({
    number: fc.integer({ min: 1, max: 60 }),
    hours: fc.integer({ min: 0, max: 3 }),
    commit: fc.boolean(),
  });
  const options = { horizonMs: 6 * HOUR_MS, maxIds: 24 };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.boolean(), (steps, isCompacted) => {
      const filter = new DuplicateFilter(options);
      const log: Change[] = [];
      let hour = 1;
      for (const { number, hours, commit } of steps) {
        hour += hours;
        admit(filter, number, hour * HOUR_MS);
        if (commit) log.push(...filter.takeChanges());
      }
      log.push(...filter.takeChanges());
      const again = restored(isCompacted ? compacted(log) : log, options);
      const known = (of: DuplicateFilter) => Array.from({ length: 60 }, (_, n) => of.has(idOf(n + 1)));
      expect(known(again)).toEqual(known(filter));
      expect(again.size).toBe(filter.size);
      // New chunks take no key of an old one.
      admit(again, 1000, hour * HOUR_MS);
      const keys = new Set(log.map(({ key }) => key));
      for (const { key, value } of again.takeChanges()) if (value !== null) expect(keys.has(key)).toBe(false);
    }),
  );
});
