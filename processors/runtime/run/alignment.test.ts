import { expect, test } from 'vitest';
import type { WatermarkMark } from '../time/marks.ts';
import type { Subtopology } from '../topology.ts';
import { Alignment, type AlignedTask } from './alignment.ts';

const NOTHING = Number.NEGATIVE_INFINITY;
const subtopology = (name: string, outputs: readonly string[]): Subtopology => ({
  ...{ name, inputs: [], outputs: outputs.map((topic) => ({ topic })) },
  create: () => ({ process: () => ({ kind: 'ok' }) }),
});
const READS = subtopology('reads', ['by-item']);
const COUNTS = subtopology('counts', []);

function task(
  of: Subtopology,
  partition: number,
  watermarkMs: number,
  more: Partial<AlignedTask> = {},
): AlignedTask {
  return {
    ...{
      id: `${of.name}-${partition}`,
      subtopology: of,
      watermarkMs,
      nextEventTimeMs: NOTHING,
      isIdle: false,
    },
    upstreamMarks: () => [],
    ...more,
  };
}
const mark = (from: string, watermarkMs: number, status: WatermarkMark['status'] = 'active') => ({
  ...{ from, watermarkMs, status },
});
/** Limits by task; those of the only task that counts are none. */
const limitsOf = (tasks: readonly AlignedTask[]) =>
  Object.fromEntries(
    [...new Alignment(100).limits(tasks)].flatMap(([{ id }, limit]) =>
      Number.isFinite(limit) ? [[id, limit]] : [],
    ),
  );

test('a task stops at the bound before the slowest other', () => {
  expect(limitsOf([task(READS, 0, 1000), task(READS, 1, 400), task(READS, 2, 450)])).toEqual({
    'reads-0': 500,
    'reads-1': 550,
    'reads-2': 500,
  });
});

test('the slowest has its next record, whatever the gap before it; the others wait', () => {
  const next = { nextEventTimeMs: 90_000 };
  expect(limitsOf([task(READS, 0, 401, next), task(READS, 1, 400, next)])).toEqual({
    'reads-0': 500,
    'reads-1': 90_000,
  });
  // Two that are equally slow both have.
  expect(limitsOf([task(READS, 0, 400, next), task(READS, 1, 400, next)])).toEqual({
    'reads-0': 90_000,
    'reads-1': 90_000,
  });
});

test('before its first record a task is where that is', () => {
  const first = task(READS, 0, NOTHING, { nextEventTimeMs: 10 });
  expect(limitsOf([first, task(READS, 1, NOTHING, { nextEventTimeMs: 5000 })])).toEqual({
    'reads-0': 5100,
    'reads-1': 5000,
  });
});

test('a task that is idle, or has nothing to read yet, is not waited for', () => {
  const others = [task(READS, 1, 400, { isIdle: true }), task(READS, 2, NOTHING)];
  expect(limitsOf([task(READS, 0, 1000), ...others])).toEqual({ 'reads-1': 1100, 'reads-2': 1100 });
});

test('tasks whose results nobody else reads go as fast as they can', () => {
  expect(limitsOf([task(COUNTS, 0, 1000), task(COUNTS, 1, 400)])).toEqual({});
});

test('tasks of other processes are known by what they have told their readers here', () => {
  const told = [
    mark('reads-0', 7),
    mark('reads-1', 300),
    mark('reads-2', 50, 'idle'),
    mark('reads-3', NOTHING),
  ];
  const reader = task(COUNTS, 0, 0, { upstreamMarks: () => told });
  // What the reader was told of a task of its own process is out of date.
  expect(limitsOf([task(READS, 0, 1000), reader])).toEqual({ 'reads-0': 400 });
});
