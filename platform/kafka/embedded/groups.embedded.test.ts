import { describe, expect, it } from 'vitest';
import { byPartition } from '../contract/harness.contract.ts';
import type { Assign, GroupConsumer, Kafka, RecordBatch } from '../port.ts';
import { Scratch, sendValues } from './scratch-log.contract.ts';

const scratch = new Scratch();
const topic = 't';

async function openWithTopic(partitions: number): Promise<Kafka> {
  const kafka = await scratch.open(scratch.directory(), { fsync: false });
  await kafka.admin.ensureTopics([{ topic, partitions }]);
  return kafka;
}

function member(kafka: Kafka, assign: Assign = byPartition): GroupConsumer {
  return kafka.groupConsumer({ groupId: 'g', topics: [topic], assign });
}

function hooksFromStart(consumer: GroupConsumer) {
  return {
    onAssigned: async (partitions: readonly { topic: string; partition: number }[]) => {
      for (const partition of partitions) consumer.seek({ ...partition, offset: 0 });
    },
    onRevoked: async () => undefined,
  };
}

function valuesOf(batches: readonly RecordBatch[]): string[] {
  return batches.flatMap((batch) => batch.records.map((record) => record.value?.toString() ?? ''));
}

describe('a member of an embedded group', () => {
  it('wakes a waiting poll with the append, and with its close', async () => {
    const kafka = await openWithTopic(1);
    const consumer = member(kafka);
    await consumer.start(hooksFromStart(consumer));
    expect(await consumer.poll(60_000)).toMatchObject([{ records: [], nextOffset: 0, endOffset: 0 }]);
    const waiting = consumer.poll(3_600_000);
    await sendValues(kafka, { topic }, ['a']);
    expect(valuesOf(await waiting)).toEqual(['a']);
    expect(await consumer.poll(60_000)).toMatchObject([{ records: [], nextOffset: 1 }]);
    const last = consumer.poll(3_600_000);
    await consumer.close();
    expect(await last).toEqual([]);
    await expect(consumer.poll(0)).rejects.toMatchObject({ code: 'MR_KAFKA_UNAVAILABLE', retryable: false });
  });

  it('hands nothing out before every member has let go', async () => {
    const kafka = await openWithTopic(2);
    const first = member(kafka);
    const events: string[] = [];
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    await first.start({
      onAssigned: async (partitions) => void events.push(`first has ${partitions.length}`),
      onRevoked: async () => {
        events.push('first is asked');
        await held;
        events.push('first let go');
      },
    });
    const second = member(kafka);
    const joined = second.start({
      onAssigned: async (partitions) => void events.push(`second has ${partitions.length}`),
      onRevoked: async () => undefined,
    });
    await first.poll(10);
    expect(events).toEqual(['first has 2', 'first is asked']);
    letGo();
    await joined;
    expect(events).toEqual(['first has 2', 'first is asked', 'first let go', 'first has 1', 'second has 1']);
  });

  it('does not wait for the hook of a member that has left', async () => {
    const kafka = await openWithTopic(1);
    const first = member(kafka);
    const never = new Promise<void>(() => undefined);
    await first.start({ onAssigned: async () => undefined, onRevoked: () => never });
    const second = member(kafka);
    const joined = second.start(hooksFromStart(second));
    await first.close();
    await joined;
    await sendValues(kafka, { topic }, ['a']);
    const seen: string[] = [];
    while (seen.length === 0) seen.push(...valuesOf(await second.poll(1_000)));
    expect(seen).toEqual(['a']);
  });

  it('expels a member that hangs once its time is over, and does not take it back when it was closed', async () => {
    const kafka = await openWithTopic(2);
    const slow = kafka.groupConsumer({
      groupId: 'g',
      topics: [topic],
      assign: byPartition,
      rebalanceTimeoutMs: 30,
    });
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const calls: string[] = [];
    await slow.start({
      onAssigned: async (partitions) => void calls.push(`assigned ${partitions.length}`),
      onRevoked: () => held,
    });
    const other = member(kafka);
    const counts: number[] = [];
    await other.start({
      onAssigned: async (partitions) => void counts.push(partitions.length),
      onRevoked: async () => undefined,
    });
    expect(counts).toEqual([2]);
    await slow.close();
    letGo();
    const third = member(kafka);
    await third.start(hooksFromStart(third));
    expect(counts).toEqual([2, 1]);
    expect(calls).toEqual(['assigned 2']);
  });

  it('lets the old claim of an expelled member count for nothing', async () => {
    const kafka = await openWithTopic(1);
    const claims: string[][] = [];
    const recording: Assign = (members, topics) => {
      claims.push(members.map(({ owned }) => owned.map(({ partition }) => partition).join()));
      return byPartition(members, topics);
    };
    const options = { groupId: 'g', topics: [topic], assign: recording, rebalanceTimeoutMs: 30 };
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const zombie = kafka.groupConsumer(options);
    let back: () => void = () => undefined;
    const isBack = new Promise<void>((resolve) => {
      back = resolve;
    });
    let assignments = 0;
    await zombie.start({
      onAssigned: async () => {
        assignments += 1;
        if (assignments === 2) back();
      },
      onRevoked: () => held,
    });
    const heir = kafka.groupConsumer(options);
    await heir.start({ onAssigned: async () => undefined, onRevoked: async () => undefined });
    letGo();
    await isBack;
    expect(claims).toEqual([[''], [''], ['', '0']]);
  });

  it('rejects the start and the polls of a member whose hook fails', async () => {
    const kafka = await openWithTopic(1);
    const consumer = member(kafka);
    const failing = {
      onAssigned: () => Promise.reject(new Error('no store')),
      onRevoked: async () => undefined,
    };
    await expect(consumer.start(failing)).rejects.toThrow('no store');
    await expect(consumer.poll(0)).rejects.toThrow('no store');
  });

  it('rejects an assignment that gives a partition twice', async () => {
    const kafka = await openWithTopic(1);
    const consumer = member(kafka, (members) => {
      const twice = { topic, partition: 0 };
      return new Map(members.map(({ memberId }) => [memberId, [twice, twice]]));
    });
    await expect(consumer.start(hooksFromStart(consumer))).rejects.toMatchObject({ code: 'MR_INTERNAL' });
  });

  it('rejects a topic that does not exist, and takes it in once it does', async () => {
    const kafka = await openWithTopic(1);
    const missing = kafka.groupConsumer({ groupId: 'g', topics: ['later'], assign: byPartition });
    await expect(missing.start(hooksFromStart(missing))).rejects.toMatchObject({
      code: 'MR_KAFKA_TOPIC_MISMATCH',
    });
    await kafka.admin.ensureTopics([{ topic: 'later', partitions: 1 }]);
    await missing.start(hooksFromStart(missing));
    expect(await missing.poll(60_000)).toMatchObject([{ topic: 'later', records: [] }]);
  });

  it('moves on when a subscribed topic is deleted and made again', async () => {
    const kafka = await openWithTopic(1);
    await sendValues(kafka, { topic }, ['old']);
    const consumer = member(kafka);
    await consumer.start(hooksFromStart(consumer));
    expect(valuesOf(await consumer.poll(60_000))).toEqual(['old']);
    await kafka.admin.deleteTopics([topic]);
    await kafka.admin.ensureTopics([{ topic, partitions: 1 }]);
    await sendValues(kafka, { topic }, ['new']);
    const seen: string[] = [];
    while (seen.length === 0) seen.push(...valuesOf(await consumer.poll(1_000)));
    expect(seen).toEqual(['new']);
  });
});
