import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Assign, AssignedMember, TopicPartition } from '../../../platform/kafka/port.ts';
import { assignTasks } from './assignor.ts';
import type { Subtopology } from '../topology.ts';

const subtopology = (name: string, inputs: readonly string[]): Subtopology => ({
  name,
  inputs: inputs.map((topic) => ({ topic })),
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
const fresh = (ids: readonly string[]): AssignedMember[] => ids.map((memberId) => ({ memberId, owned: [] }));
type Assignment = ReturnType<Assign>;

function owners(assignment: Assignment): Map<string, string> {
  return new Map([...assignment].flatMap(([id, owned]) => owned.map((tp) => [place(tp), id] as const)));
}

test('every partition has one owner, and inputs of one task have the same', () => {
  fc.assert(
    fc.property(members, (ids) => {
      const assignment = assign(fresh(ids), TOPICS);
      const all = [...assignment.values()].flat().map(place);
      expect(all).toHaveLength(22);
      expect(new Set(all).size).toBe(22);
      const owner = owners(assignment);
      for (let p = 0; p < 8; p++) expect(owner.get(`ns.orders-${p}`)).toBe(owner.get(`ns.payments-${p}`));
    }),
  );
});

test('the order in which members are named changes nothing', () => {
  fc.assert(
    fc.property(members, (ids) => {
      expect(assign(fresh([...ids].reverse()), TOPICS)).toEqual(assign(fresh(ids), TOPICS));
    }),
  );
});

test('topics that do not exist yet give no tasks', () => {
  expect(assign(fresh(['a']), new Map())).toEqual(new Map([['a', []]]));
});

test('a task whose inputs are claimed by two, or whose partition is claimed twice, still has one owner', () => {
  const claims = [
    {
      memberId: 'a',
      owned: [
        { topic: 'ns.orders', partition: 0 },
        { topic: 'ns.clicks', partition: 1 },
      ],
    },
    {
      memberId: 'b',
      owned: [
        { topic: 'ns.payments', partition: 0 },
        { topic: 'ns.clicks', partition: 1 },
      ],
    },
  ];
  const owner = owners(assign(claims, TOPICS));
  expect(owner.get('ns.orders-0')).toBe('a');
  expect(owner.get('ns.payments-0')).toBe('a');
  expect(owner.size).toBe(22);
});

test('claims on partitions that are gone are forgotten', () => {
  const claims = [
    {
      memberId: 'a',
      owned: [
        { topic: 'ns.orders', partition: 99 },
        { topic: 'x', partition: 0 },
      ],
    },
  ];
  expect(assign(claims, TOPICS)).toEqual(assign(fresh(['a']), TOPICS));
});

/** One input each, so that tasks and partitions are the same. */
const groups = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 });
const setUp = (counts: readonly number[]) => ({
  assign: assignTasks(
    counts.map((_, g) => subtopology(`s${g}`, [`t${g}`])),
    (topic) => topic,
  ),
  topics: new Map(counts.map((count, g) => [`t${g}`, count])),
});

/** A number of members for each step, and what the group looks like after each. */
const steps = fc.array(fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 }), {
  minLength: 1,
  maxLength: 6,
});

function loadsOf(assignment: Assignment, topic?: string): number[] {
  return [...assignment.values()].map(
    (owned) => owned.filter((tp) => topic === undefined || tp.topic === topic).length,
  );
}

function spreadOf(loads: readonly number[]): number {
  return Math.max(...loads) - Math.min(...loads);
}

test('with members coming and going: every task once, balanced within one, and no more moves than that needs', () => {
  fc.assert(
    fc.property(groups, steps, (counts, history) => {
      const { assign: assignGroup, topics } = setUp(counts);
      let before: Assignment = new Map();
      for (const ids of history) {
        const named = ids.map((memberId) => ({ memberId, owned: before.get(memberId) ?? [] }));
        const after = assignGroup(named, topics);
        expect(assignGroup([...named].reverse(), topics)).toEqual(after);
        expect(owners(after).size).toBe(counts.reduce((sum, count) => sum + count, 0));
        expect([...after.values()].flat()).toHaveLength(owners(after).size);
        expect(spreadOf(loadsOf(after))).toBeLessThanOrEqual(1);
        for (const topic of topics.keys()) expect(spreadOf(loadsOf(after, topic))).toBeLessThanOrEqual(1);
        const stayed = [...owners(after)].filter(([key, id]) => owners(before).get(key) === id).length;
        expect(stayed).toBe(mostThatCanStay(named, counts));
        before = after;
      }
    }),
    { numRuns: 300 },
  );
});

test('nothing moves while nobody comes or goes', () => {
  fc.assert(
    fc.property(members, (ids) => {
      const before = assign(fresh(ids), TOPICS);
      const again = ids.map((memberId) => ({ memberId, owned: before.get(memberId) ?? [] }));
      expect(owners(assign(again, TOPICS))).toEqual(owners(before));
    }),
  );
});

/** By trying every way to give out what is left over after the even shares. */
function mostThatCanStay(named: readonly AssignedMember[], counts: readonly number[]): number {
  const n = named.length;
  const totals = counts.reduce((sum, count) => sum + (count % n), 0);
  const even = Math.floor(totals / n);
  const best = (g: number, extras: readonly number[]): number => {
    const count = counts[g];
    if (count === undefined)
      return extras.every((own) => own === even || own === even + 1) ? 0 : Number.NEGATIVE_INFINITY;
    const owned = named.map((member) => member.owned.filter((tp) => tp.topic === `t${g}`).length);
    return Math.max(
      ...subsets(n, count % n).map((chosen) => {
        const caps = named.map((_, m) => Math.floor(count / n) + (chosen.includes(m) ? 1 : 0));
        const stay = owned.reduce((sum, own, m) => sum + Math.min(own, caps[m] ?? 0), 0);
        return (
          stay +
          best(
            g + 1,
            extras.map((own, m) => own + (chosen.includes(m) ? 1 : 0)),
          )
        );
      }),
    );
  };
  return best(
    0,
    named.map(() => 0),
  );
}

function subsets(n: number, size: number): number[][] {
  const all = Array.from({ length: 2 ** n }, (_, bits) =>
    Array.from({ length: n }, (__, m) => m).filter((m) => (bits >> m) & 1),
  );
  return all.filter((subset) => subset.length === size);
}

describe('with standbys', () => {
  const changelogName = (name: string) => `ns.changelog.${name}`;
  const withStandbys = assignTasks(SUBTOPOLOGIES, (topic) => `ns.${topic}`, { changelogName });
  const topics = new Map([
    ...TOPICS,
    ['ns.changelog.join', 8],
    ['ns.changelog.count', 5],
    ['ns.changelog.single', 1],
  ]);
  const standbysOf = (assignment: Assignment) =>
    new Map(
      [...assignment].flatMap(([id, places]) =>
        places.filter(({ topic }) => topic.startsWith('ns.changelog.')).map((p) => [place(p), id] as const),
      ),
    );
  const activeOf = (assignment: Assignment, name: string, input: string) =>
    new Map(
      [...assignment].flatMap(([id, places]) =>
        places
          .filter(({ topic }) => topic === input)
          .map(({ partition }) => [`${changelogName(name)}-${partition}`, id] as const),
      ),
    );

  test('each task has one, on another member, and they are about even; alone there are none', () => {
    fc.assert(
      fc.property(members, (ids) => {
        const assignment = withStandbys(fresh(ids), topics);
        const standbys = standbysOf(assignment);
        expect(standbys.size).toBe(ids.length === 1 ? 0 : 14);
        const active = activeOf(assignment, 'join', 'ns.orders');
        for (const [task, id] of active) expect(standbys.get(task)).not.toBe(id);
        const counts = ids.map((id) => [...standbys.values()].filter((holder) => holder === id).length);
        if (ids.length > 1) expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2);
      }),
    );
  });

  test('when a member is gone, its tasks go to those that have copies, as far as that is even', () => {
    const before = withStandbys(fresh(['a', 'b', 'c']), topics);
    const copies = standbysOf(before);
    const gone = new Set(before.get('c')?.map(place));
    const left = ['a', 'b'].map((memberId) => ({ memberId, owned: before.get(memberId) ?? [] }));
    const after = withStandbys(left, topics);
    const lost = [...activeOf(before, 'join', 'ns.orders')].filter(([, id]) => id === 'c');
    expect(lost.length).toBeGreaterThan(0);
    expect(gone.size).toBeGreaterThan(0);
    const promoted = lost.filter(
      ([task]) => activeOf(after, 'join', 'ns.orders').get(task) === copies.get(task),
    );
    expect(promoted.length).toBeGreaterThanOrEqual(lost.length - 1);
  });
});
