import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TopicPartition } from '../../platform/kafka/port.ts';
import { assignTasks } from './assignor.ts';
import type { Subtopology } from './topology.ts';

const subtopology = (name: string, inputs: readonly string[]): Subtopology => ({
  name,
  inputs,
  deduplicated: [],
  create: () => ({ process: () => ({ kind: 'ok' }) }),
});

const SUBTOPOLOGIES = [
  subtopology('join', ['orders', 'payments']),
  subtopology('count', ['clicks']),
  subtopology('single', ['totals']),
];
const TOPICS = new Map([
  ['ns.orders', 8],
  ['ns.payments', 8],
  ['ns.clicks', 5],
  ['ns.totals', 1],
]);
const assign = assignTasks(SUBTOPOLOGIES, (topic) => `ns.${topic}`);
const members = fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 12 });
const place = ({ topic, partition }: TopicPartition) => `${topic}-${partition}`;

function owners(ids: readonly string[]): Map<string, string> {
  return new Map(
    [...assign(ids, TOPICS)].flatMap(([id, owned]) => owned.map((tp) => [place(tp), id] as const)),
  );
}

test('every partition has one owner, and inputs of one task have the same', () => {
  fc.assert(
    fc.property(members, (ids) => {
      const all = [...assign(ids, TOPICS).values()].flat().map(place);
      expect(all).toHaveLength(22);
      expect(new Set(all).size).toBe(22);
      const owner = owners(ids);
      for (let p = 0; p < 8; p++) expect(owner.get(`ns.orders-${p}`)).toBe(owner.get(`ns.payments-${p}`));
    }),
  );
});

test('each sub-topology is spread evenly', () => {
  fc.assert(
    fc.property(members, (ids) => {
      const loads = [...assign(ids, TOPICS).values()].map(
        (owned) => owned.filter(({ topic }) => topic === 'ns.orders').length,
      );
      expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
    }),
  );
});

test('is pure: the order in which members are named changes nothing', () => {
  fc.assert(
    fc.property(members, (ids) => {
      expect(assign([...ids].reverse(), TOPICS)).toEqual(assign(ids, TOPICS));
    }),
  );
});

test('keeps most tasks where they are when a member comes or goes', () => {
  const many = assignTasks([subtopology('count', ['clicks'])], (topic) => topic);
  const topics = new Map([['clicks', 120]]);
  const ownersOf = (ids: readonly string[]) =>
    new Map([...many(ids, topics)].flatMap(([id, owned]) => owned.map((tp) => [tp.partition, id] as const)));
  const three = ownersOf(['a', 'b', 'c']);
  const four = ownersOf(['a', 'b', 'c', 'd']);
  const moved = [...three].filter(([partition, id]) => four.get(partition) !== id);
  // A quarter has to move; dealt out in turn, three quarters would.
  expect(moved.length).toBeLessThan(60);
});

test('topics that do not exist yet give no tasks', () => {
  expect(assign(['a'], new Map())).toEqual(new Map([['a', []]]));
});
