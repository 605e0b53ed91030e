import { expect, test } from 'vitest';
import type { LogRecord } from '../../../platform/kafka/port.ts';
import { readChangelog, type RestoreProgress } from './changelog-reader.ts';
import { Changelog, CHANGELOG, watchedReads } from './state-harness.contract.ts';
import { lastMeta } from './task-meta.ts';

/** Records that are no meta, as a large commit has them. */
function entries(from: number, count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`s/${from + index}`, index]));
}

test('finds the last meta behind what follows it, in a few reads that grow', async () => {
  const changelog = new Changelog();
  changelog.append(entries(0, 2_000));
  changelog.append({ meta: { taskEpoch: 1 } });
  changelog.append({ meta: { taskEpoch: 2 } });
  changelog.append(entries(2_000, 1_500));
  const { kafka, reads } = watchedReads(changelog.kafka);
  const end = 3_502;
  expect(await lastMeta(kafka, CHANGELOG, { from: 0, end })).toMatchObject({ taskEpoch: 2 });
  expect(reads.map(({ from }) => from)).toEqual([end - 64, end - 1_024, 0]);
  expect(await lastMeta(kafka, CHANGELOG, { from: 2_002, end })).toBeUndefined();
});

test('takes all records in order, in small helpings, and tells how far it is', async () => {
  const changelog = new Changelog();
  changelog.append(entries(0, 2_500));
  changelog.append({ meta: { taskEpoch: 1 } });
  const taken: LogRecord[][] = [];
  const progress: RestoreProgress[] = [];
  const found: number[] = [];
  const position = await readChangelog(changelog.kafka, CHANGELOG, {
    position: 0,
    found: ({ taskEpoch }) => found.push(taskEpoch),
    take: (records) => taken.push([...records]),
    onProgress: (each) => progress.push(each),
  });
  expect([position, found, taken.map(({ length }) => length)]).toEqual([2_501, [1], [1_000, 1_000, 501]]);
  expect(taken.flat().map(({ offset }) => offset)).toEqual(
    Array.from({ length: 2_501 }, (_, offset) => offset),
  );
  expect(progress).toEqual([
    { restored: 0, total: 2_501 },
    { restored: 2_501, total: 2_501 },
  ]);
});

test('tells each hundredth of the way, however many batches there are', async () => {
  const changelog = new Changelog();
  changelog.append(entries(0, 1_000));
  const kafka = {
    ...changelog.kafka,
    async *readToEnd({ fromOffset = 0 }) {
      for (let offset = fromOffset; offset < 1_000; offset++) {
        const { records } = changelog.kafka.fetch(CHANGELOG, offset);
        yield { ...CHANGELOG, records: records.slice(0, 1), nextOffset: offset + 1, endOffset: 1_000 };
      }
    },
  };
  const progress: RestoreProgress[] = [];
  const reading = { position: 200, found: () => undefined, take: () => undefined };
  await readChangelog(kafka, CHANGELOG, { ...reading, onProgress: (each) => progress.push(each) });
  expect(progress).toHaveLength(101);
  expect(progress.slice(0, 3)).toEqual([0, 8, 16].map((restored) => ({ restored, total: 800 })));
});

test('reads nothing where there is nothing new, and goes past an end without records', async () => {
  const changelog = new Changelog();
  changelog.append(entries(0, 10));
  const { kafka, reads } = watchedReads(changelog.kafka);
  const reading = { found: () => undefined, take: () => undefined };
  expect(await readChangelog(kafka, CHANGELOG, { ...reading, position: 10 })).toBe(10);
  expect(reads).toEqual([]);
  // Control records are at the end, and the port does not give them.
  const bare = { ...kafka, async *readToEnd() {} };
  expect(await readChangelog(bare, CHANGELOG, { ...reading, position: 8 })).toBe(10);
});
