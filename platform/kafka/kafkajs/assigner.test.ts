import { describe, expect, it } from 'vitest';
import type { Assign } from '../port.ts';
import { assignmentsOf, subscribedTopics } from './assigner.ts';
import { decodeAssignment, encodeSubscription } from './protocol/assignment-codec.ts';

const member = (memberId: string, ...topics: string[]) => ({
  memberId,
  metadata: encodeSubscription(topics),
});
const group = [member('b', 'orders'), member('a', 'orders', 'payments')];
const counts = new Map([
  ['orders', 3],
  ['payments', 3],
]);

/** Partition p of every topic goes to member p modulo the members. */
const together: Assign = (members, topics) =>
  new Map(
    members.map((id, i) => [
      id,
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
    expect(decoded((members) => new Map([[members[1] ?? '', []]])).get('a')).toEqual([]);
    expect(decodeAssignment(Buffer.alloc(0))).toEqual([]);
  });

  it('refuses unknown members, unknown partitions and a partition with two owners', () => {
    const answers: [string, Assign][] = [
      ['not in the group', () => new Map([['ghost', []]])],
      ['does not exist', (members) => new Map([[members[0] ?? '', [{ topic: 'orders', partition: 3 }]]])],
      ['two members', (members) => new Map(members.map((id) => [id, [{ topic: 'orders', partition: 0 }]]))],
    ];
    for (const [fault, assign] of answers)
      expect(() => assignmentsOf(group, counts, assign)).toThrow(
        expect.objectContaining({ code: 'MR_INTERNAL', message: expect.stringContaining(fault) as string }),
      );
  });
});
