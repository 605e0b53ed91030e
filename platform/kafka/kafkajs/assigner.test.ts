import { describe, expect, it } from 'vitest';
import type { Assign } from '../port.ts';
import { assignmentsOf, ownersOf, subscribedTopics } from './assigner.ts';
import { decodeAssignment, encodeSubscription } from './protocol/assignment-codec.ts';

const member = (memberId: string, ...topics: string[]) => ({
  memberId,
  metadata: encodeSubscription({ topics, owned: [], generation: -1 }),
});
const group = [member('b', 'orders'), member('a', 'orders', 'payments')];
const counts = new Map([
  ['orders', 3],
  ['payments', 3],
]);

/** Partition p of every topic goes to member p modulo the members. */
const together: Assign = (members, topics) =>
  new Map(
    members.map(({ memberId }, i) => [
      memberId,
      [...topics].flatMap(([topic, count]) =>
        Array.from({ length: count }, (_, partition) => ({ topic, partition })).filter(
          ({ partition }) => partition % members.length === i,
        ),
      ),
    ]),
  );

const decoded = (assign: Assign) =>
  new Map(
    assignmentsOf(group, counts, assign).map(({ memberId, assignment }) => [
      memberId,
      decodeAssignment(assignment).map(({ topic, partition }) => `${topic}/${partition}`),
    ]),
  );

describe('assigning partitions', () => {
  it('knows every topic that someone subscribes to', () => {
    expect(subscribedTopics(group)).toEqual(['orders', 'payments']);
  });

  it('asks with the members in order and sends what the port’s function says', () => {
    expect(decoded(together)).toEqual(
      new Map([
        ['a', ['orders/0', 'orders/2', 'payments/0', 'payments/2']],
        ['b', ['orders/1', 'payments/1']],
      ]),
    );
  });

  it('gives a member that is left out nothing', () => {
    expect(decoded((members) => new Map([[members[1]?.memberId ?? '', []]])).get('a')).toEqual([]);
    expect(decodeAssignment(Buffer.alloc(0))).toEqual([]);
  });

  it('refuses unknown members, unknown partitions and a partition with two owners', () => {
    const answers: [string, Assign][] = [
      ['not in the group', () => new Map([['ghost', []]])],
      [
        'does not exist',
        (members) => new Map([[members[0]?.memberId ?? '', [{ topic: 'orders', partition: 3 }]]]),
      ],
      [
        'two members',
        (members) => new Map(members.map(({ memberId }) => [memberId, [{ topic: 'orders', partition: 0 }]])),
      ],
    ];
    for (const [fault, assign] of answers)
      expect(() => assignmentsOf(group, counts, assign)).toThrow(
        expect.objectContaining({ code: 'MR_INTERNAL', message: expect.stringContaining(fault) as string }),
      );
  });
});

describe('what members own', () => {
  const claims = (memberId: string, generation: number, ...partitions: number[]) => ({
    memberId,
    metadata: encodeSubscription({
      topics: ['orders'],
      owned: partitions.map((partition) => ({ topic: 'orders', partition })),
      generation,
    }),
  });
  const owned = (...members: Parameters<typeof ownersOf>[0]) =>
    ownersOf(members).map(
      ({ memberId, owned: places }) => `${memberId}: ${places.map((at) => at.partition).join()}`,
    );

  it('is what they say, in the order of their ids', () => {
    expect(owned(claims('b', 4, 1), claims('a', 4, 0, 2))).toEqual(['a: 0,2', 'b: 1']);
  });

  it('leaves out the old claim of a zombie on what has gone to another since', () => {
    expect(owned(claims('zombie', 3, 0, 1, 2), claims('heir', 4, 0, 1))).toEqual(['heir: 0,1', 'zombie: 2']);
    expect(owned(claims('a-zombie', 3, 0, 1, 2), claims('heir', 4, 0, 1))).toEqual([
      'a-zombie: 2',
      'heir: 0,1',
    ]);
  });

  it('believes neither of two that claim the same in one generation', () => {
    expect(owned(claims('a', 4, 0, 1), claims('b', 4, 1, 2))).toEqual(['a: 0', 'b: 2']);
  });

  it('is nothing for a member that says nothing, such as one of an older release', () => {
    const old = Buffer.from([0, 0, 0, 0, 0, 1, 0, 6, ...Buffer.from('orders'), 0, 0, 0, 0]);
    expect(ownersOf([{ memberId: 'old', metadata: old }])).toEqual([{ memberId: 'old', owned: [] }]);
    expect(subscribedTopics([{ memberId: 'old', metadata: old }])).toEqual(['orders']);
  });
});
