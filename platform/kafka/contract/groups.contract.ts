import { afterEach, expect, it } from 'vitest';
import type { Kafka } from '../port.ts';
import {
  byPartition,
  fromCommitted,
  initialised,
  Members,
  names,
  newTopic,
  randomName,
  type Engine,
} from './harness.contract.ts';

/** What a group member promises: assignment, delivery after a seek, pauses, idle signals, rebalances. */
export function groupContract(engine: Engine): void {
  const members = new Members();
  afterEach(() => members.stop());
  delivery(engine, members);
  positions(engine, members);
  rebalances(engine, members);
}

async function sendTo(
  kafka: Kafka,
  topic: string,
  partition: number,
  values: readonly string[],
): Promise<void> {
  const producer = kafka.producer();
  await producer.send(values.map((value) => ({ topic, key: null, value: Buffer.from(value), partition })));
  await producer.close();
}

function delivery(engine: Engine, members: Members): void {
  it('assigns every partition to a lone member and delivers in order', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 3);
    await sendTo(kafka, topic, 1, ['a', 'b', 'c']);
    const member = await members.join(kafka, randomName('group'), [topic]);
    await member.until('the first records are there', () => member.values(1).length === 3);
    await sendTo(kafka, topic, 1, ['d']);
    await member.until('the late record is there', () => member.values(1).length === 4);
    expect(names(member.assigned)).toEqual([`${topic}/0`, `${topic}/1`, `${topic}/2`]);
    expect(member.values()).toEqual(['a', 'b', 'c', 'd']);
    expect(member.events.filter((event) => event.partitions.length > 0)[0]?.kind).toBe('assigned');
  });

  it('counts the members of a group', async () => {
    const { kafka } = engine();
    const groupId = randomName('group');
    const topic = await newTopic(kafka, 1);
    expect(await kafka.admin.groupMembers(groupId)).toBe(0);
    const member = await members.join(kafka, groupId, [topic]);
    await member.until('it has its partition', () => member.assigned.length === 1);
    expect(await kafka.admin.groupMembers(groupId)).toBe(1);
    await member.stop();
    expect(await kafka.admin.groupMembers(groupId)).toBe(0);
  });

  it('commits offsets of what a member owns, and of nothing that it does not', async () => {
    const { kafka } = engine();
    const groupId = randomName('group');
    const topic = await newTopic(kafka, 2);
    const one = await members.join(kafka, groupId, [topic]);
    await one.until('it has both partitions', () => one.assigned.length === 2);
    await one.consumer.commit([
      { topic, partition: 0, offset: 3 },
      { topic, partition: 1, offset: 0 },
    ]);
    expect(await kafka.admin.committed(groupId, topic)).toEqual(
      expect.arrayContaining([
        { topic, partition: 0, offset: 3 },
        { topic, partition: 1, offset: 0 },
      ]),
    );
    await one.stop();
    // The group goes on without it.
    await expect(one.consumer.commit([{ topic, partition: 0, offset: 9 }])).rejects.toThrow();
    expect(await kafka.admin.committed(groupId, topic)).toContainEqual({ topic, partition: 0, offset: 3 });
  });

  it('delivers nothing of a partition before it was sought', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 2);
    await sendTo(kafka, topic, 0, ['a']);
    await sendTo(kafka, topic, 1, ['b']);
    const member = await members.join(kafka, randomName('group'), [topic], async ({ partition }) =>
      partition === 1 ? 0 : undefined,
    );
    await member.until('the sought partition flows', () => member.values(1).length === 1);
    expect(member.batches.filter((batch) => batch.partition === 0)).toEqual([]);
    member.consumer.seek({ topic, partition: 0, offset: 0 });
    await member.until('the other one flows after its seek', () => member.values(0).length === 1);
    expect(member.values(0)).toEqual(['a']);
  });

  it('holds back a paused partition until it is resumed', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 2);
    const member = await members.join(kafka, randomName('group'), [topic]);
    await member.until('both partitions are caught up', () => idle(member.batches).size === 2);
    member.consumer.pause([{ topic, partition: 0 }]);
    await sendTo(kafka, topic, 0, ['held']);
    await sendTo(kafka, topic, 1, ['flows']);
    await member.until('the other partition flows', () => member.values(1).length === 1);
    await sendTo(kafka, topic, 1, ['on']);
    await member.until('it goes on', () => member.values(1).length === 2);
    expect(member.values(0)).toEqual([]);
    member.consumer.resume([{ topic, partition: 0 }]);
    await member.until('the held record comes', () => member.values(0).length === 1);
    expect(member.values(0)).toEqual(['held']);
  });

  it('says once that a partition is caught up, and again after more records', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 1);
    const member = await members.join(kafka, randomName('group'), [topic]);
    const empty = () => member.batches.filter((batch) => batch.records.length === 0);
    await member.until('it is caught up', () => empty().length > 0);
    await sendTo(kafka, topic, 0, ['a']);
    await member.until('it is caught up again', () => member.values().length === 1 && empty().length > 1);
    expect(empty()).toHaveLength(2);
    for (const batch of empty()) expect(batch.nextOffset).toBeGreaterThanOrEqual(batch.endOffset);
  });
}

function idle(
  batches: readonly { readonly partition: number; readonly records: readonly unknown[] }[],
): Set<number> {
  return new Set(batches.filter((batch) => batch.records.length === 0).map((batch) => batch.partition));
}

function positions(engine: Engine, members: Members): void {
  it('starts a new member where the transactions of the old one committed', async () => {
    const { kafka } = engine();
    const groupId = randomName('group');
    const topic = await newTopic(kafka, 2);
    await sendTo(kafka, topic, 0, ['a', 'b', 'c', 'd']);
    expect(await kafka.admin.committed(groupId, topic)).toEqual([]);
    const producer = await initialised(kafka, { transactionalId: randomName('tx'), groupId });
    await producer.commit({ records: [], offsets: [{ topic, partition: 0, offset: 3 }] });
    await producer.close();
    expect(await kafka.admin.committed(groupId, topic)).toEqual([{ topic, partition: 0, offset: 3 }]);
    const member = await members.join(kafka, groupId, [topic], fromCommitted(kafka, groupId));
    await member.until('the rest was read', () => member.values(0).length === 1);
    expect(member.values()).toEqual(['d']);
  });

  it('goes back when it is told to', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 1);
    await sendTo(kafka, topic, 0, ['a', 'b']);
    const member = await members.join(kafka, randomName('group'), [topic]);
    await member.until('all was read', () => member.values().length === 2);
    member.consumer.seek({ topic, partition: 0, offset: 1 });
    await member.until('it was read again', () => member.values().length === 3);
    expect(member.values()).toEqual(['a', 'b', 'b']);
  });

  it('rejects a position that the log does not have', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 1);
    const member = await members.join(kafka, randomName('group'), [topic], async () => 1_000);
    await expect(member.until('the poll fails', () => false)).rejects.toMatchObject({
      code: 'MR_KAFKA_OFFSET_OUT_OF_RANGE',
    });
  });

  it('gives a batch no more records than was asked for', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 1);
    await sendTo(
      kafka,
      topic,
      0,
      Array.from({ length: 25 }, (_, i) => String(i)),
    );
    const options = { groupId: randomName('group'), topics: [topic], assign: byPartition };
    const consumer = kafka.groupConsumer({ ...options, maxBatchRecords: 10 });
    await consumer.start({
      onAssigned: async () => consumer.seek({ topic, partition: 0, offset: 0 }),
      onRevoked: async () => undefined,
    });
    const sizes: number[] = [];
    while (sizes.reduce((sum, size) => sum + size, 0) < 25) {
      for (const batch of await consumer.poll(1_000)) sizes.push(batch.records.length);
    }
    await consumer.close();
    expect(Math.max(...sizes)).toBeLessThanOrEqual(10);
  });
}

function rebalances(engine: Engine, members: Members): void {
  it('splits the partitions between two members and gives them back when one leaves', async () => {
    const { kafka } = engine();
    const groupId = randomName('group');
    const left = await newTopic(kafka, 4);
    const right = await newTopic(kafka, 4);
    const first = await members.join(kafka, groupId, [left, right]);
    await first.until('the first member has all', () => first.assigned.length === 8);
    const second = await members.join(kafka, groupId, [left, right]);
    await second.until('each has half', () => first.assigned.length === 4 && second.assigned.length === 4);
    expect(names([...first.assigned, ...second.assigned])).toHaveLength(
      new Set(names([...first.assigned, ...second.assigned])).size,
    );
    for (const member of [first, second]) {
      const numbersOf = (topic: string) =>
        member.assigned
          .filter((at) => at.topic === topic)
          .map((at) => at.partition)
          .sort();
      expect(numbersOf(left)).toEqual(numbersOf(right));
    }
    const before = names(second.assigned);
    const seen = second.events.length;
    await first.stop();
    await second.until('the rest came over', () => second.assigned.length === 8);
    const events = second.events.slice(seen);
    expect(events[0]).toEqual({ kind: 'revoked', partitions: before });
    expect(events.at(-1)?.kind).toBe('assigned');
    expect(events.at(-1)?.partitions).toHaveLength(8);
  });

  it('delivers to the new owner only, and only after its seek', async () => {
    const { kafka } = engine();
    const groupId = randomName('group');
    const topic = await newTopic(kafka, 2);
    const first = await members.join(kafka, groupId, [topic]);
    await first.until('the first member has all', () => first.assigned.length === 2);
    const second = await members.join(kafka, groupId, [topic]);
    await second.until('each has one', () => first.assigned.length === 1 && second.assigned.length === 1);
    await sendTo(kafka, topic, 0, ['zero']);
    await sendTo(kafka, topic, 1, ['one']);
    await second.until('each got its own', () => first.values().length === 1 && second.values().length === 1);
    expect(first.values(first.assigned[0]?.partition ?? -1)).toHaveLength(1);
    expect(second.values(second.assigned[0]?.partition ?? -1)).toHaveLength(1);
  });

  it('keeps groups apart', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 1);
    await sendTo(kafka, topic, 0, ['a']);
    const one = await members.join(kafka, randomName('group'), [topic]);
    const two = await members.join(kafka, randomName('group'), [topic]);
    await one.until('both read it', () => one.values().length === 1 && two.values().length === 1);
    expect(two.values()).toEqual(['a']);
  });
}
