import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joinTable, type TableJoin, type TableJoinResult, type TableJoinType } from './index.ts';
import { JoinHarness } from './join-harness.contract.ts';

type Told = TableJoinResult<number, number | undefined>;

function harness(type: TableJoinType): JoinHarness<TableJoin<number, number>, Told> {
  return new JoinHarness((context, onResult) =>
    joinTable<number, number>(context, { name: 'j', type, onResult }),
  );
}

test('adds the row that the key has at that moment', () => {
  const task = harness('inner');
  expect(task.join.stream('k', 1, 10)).toEqual({ kind: 'drop' });
  task.join.table('k', 100);
  task.join.table('other', 101);
  expect(task.join.stream('k', 2, 20)).toEqual({ kind: 'ok' });
  task.join.table('k', 102);
  task.restart();
  task.join.stream('k', 3, 15);
  task.join.table('k', null);
  expect(task.join.stream('k', 4, 40)).toEqual({ kind: 'drop' });
  expect(task.results).toEqual([
    { key: 'k', stream: 2, table: 100, eventTimeMs: 20 },
    { key: 'k', stream: 3, table: 102, eventTimeMs: 15 },
  ]);
  expect(task.isPending).toBe(false);
  expect(task.layouts).toEqual({ j: 'table-join' });
});

test('a left join tells values without a row too', () => {
  const task = harness('left');
  expect(task.join.stream('k', 1, 10)).toEqual({ kind: 'ok' });
  expect(task.results).toEqual([{ key: 'k', stream: 1, table: undefined, eventTimeMs: 10 }]);
});

interface Step {
  readonly side: 'stream' | 'table';
  readonly key: string;
  readonly row: number | null;
  readonly action: 'nothing' | 'restart' | 'throw';
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    side: fc.constantFrom('stream', 'table'),
    key: fc.constantFrom('a', 'b', 'c'),
    row: fc.option(fc.nat(9)),
    action: fc.constantFrom('nothing', 'nothing', 'nothing', 'restart', 'throw'),
  }),
  { maxLength: 60, size: 'max' },
);

describe.each(['inner', 'left'] as const)('%s join', (type) => {
  test('gives what the last row before each value says', () => {
    fc.assert(
      fc.property(steps, (run) => {
        const task = harness(type);
        for (const [index, { side, key, row, action }] of run.entries()) {
          if (action === 'throw') task.rolledBack(() => task.join.table(key, -1));
          if (action === 'restart') task.restart();
          if (side === 'table') task.join.table(key, row);
          else task.join.stream(key, index, index);
        }
        const expected = run.flatMap(({ side, key }, index): Told[] => {
          if (side === 'table') return [];
          const before = run.slice(0, index).findLast((step) => step.side === 'table' && step.key === key);
          const table = before?.row ?? undefined;
          if (table === undefined && type === 'inner') return [];
          return [{ key, stream: index, table, eventTimeMs: index }];
        });
        expect(task.results).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });
});
