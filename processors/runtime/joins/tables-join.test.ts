import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joinTables, type TablesJoin, type TablesJoinResult, type TablesJoinType } from './index.ts';
import { JoinHarness } from './join-harness.contract.ts';

type Told = TablesJoinResult<number | undefined, number | undefined>;

function harness(type: TablesJoinType): JoinHarness<TablesJoin<number, number>, Told> {
  return new JoinHarness((context, onResult) =>
    joinTables<number, number>(context, { name: 'j', type, onResult }),
  );
}

const row = (left: number | undefined, right: number | undefined): Told => ({
  key: 'k',
  value: { left, right },
});
const DELETED: Told = { key: 'k', value: null };

test('an inner join has a row while both sides have one', () => {
  const { join, results, layouts } = harness('inner');
  join.left('k', 1);
  join.right('other', 9);
  expect(results).toEqual([]);
  join.right('k', 2);
  join.left('k', 3);
  join.right('k', null);
  join.left('k', 4);
  join.left('k', null);
  expect(results).toEqual([row(1, 2), row(3, 2), DELETED]);
  expect(layouts).toEqual({ 'j-left': 'tables-join(inner)', 'j-right': 'tables-join(inner)' });
});

test('a left join has a row while the left has one', () => {
  const { join, results } = harness('left');
  join.right('k', 2);
  expect(results).toEqual([]);
  join.left('k', 1);
  join.right('k', null);
  join.left('k', null);
  join.left('k', null);
  join.right('k', 3);
  expect(results).toEqual([row(1, 2), row(1, undefined), DELETED]);
});

test('an outer join has a row while either side has one', () => {
  const { join, results } = harness('outer');
  join.right('k', 2);
  join.left('k', 1);
  join.right('k', null);
  join.left('k', null);
  join.left('k', null);
  expect(results).toEqual([row(undefined, 2), row(1, 2), row(1, undefined), DELETED]);
});

test('a row that is equal to what it was is told again', () => {
  const { join, results } = harness('inner');
  join.left('k', 0);
  join.right('k', 0);
  expect(join.right('k', 0)).toEqual({ kind: 'ok' });
  expect(results).toEqual([row(0, 0), row(0, 0)]);
});

interface Change {
  readonly side: 'left' | 'right';
  readonly key: string;
  readonly row: number | null;
  readonly action: 'nothing' | 'restart' | 'throw';
}

const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.record({
    side: fc.constantFrom('left', 'right'),
    key: fc.constantFrom('a', 'b'),
    row: fc.option(fc.nat(9)),
    action: fc.constantFrom('nothing', 'nothing', 'nothing', 'restart', 'throw'),
  }),
  { maxLength: 60, size: 'max' },
);

/** The joined row of a key after some changes, null where it has none. */
function joined(type: TablesJoinType, key: string, before: readonly Change[]): Told['value'] {
  const last = (side: Change['side']) =>
    before.findLast((change) => change.side === side && change.key === key)?.row ?? undefined;
  const left = last('left');
  const right = last('right');
  const isMissing = { inner: left ?? right, left, outer: left ?? right }[type] === undefined;
  const isHalf = type === 'inner' && (left === undefined || right === undefined);
  return isMissing || isHalf ? null : { left, right };
}

describe.each(['inner', 'left', 'outer'] as const)('%s join', (type) => {
  test('tells each change of the joined table and nothing else', () => {
    fc.assert(
      fc.property(changes, (run) => {
        const task = harness(type);
        const expected: Told[] = [];
        for (const [index, { side, key, row: changed, action }] of run.entries()) {
          if (action === 'throw') task.rolledBack(() => task.join[side](key, changed === null ? -1 : null));
          if (action === 'restart') task.restart();
          task.join[side](key, changed);
          const was = joined(type, key, run.slice(0, index));
          const value = joined(type, key, run.slice(0, index + 1));
          if (was !== null || value !== null) expected.push({ key, value });
        }
        expect(task.results).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });
});
