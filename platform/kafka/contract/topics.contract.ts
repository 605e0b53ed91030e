import { expect, it } from 'vitest';
import { initialised, newTopic, randomName, readValues, until, type Engine } from './harness.contract.ts';

/** What the admin side promises about topics and offsets, and what survives a reopening. */
export function topicContract(engine: Engine): void {
  administration(engine);
  reopening(engine);
}

function administration(engine: Engine): void {
  it('answers a ping', async () => {
    await expect(engine().kafka.ping(30_000)).resolves.toBeUndefined();
  });

  it('creates topics once and leaves their records alone', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 2);
    const producer = kafka.producer();
    await producer.send([{ topic, key: null, value: Buffer.from('a'), partition: 1 }]);
    await producer.close();
    const other = randomName('mr-contract');
    const specs = [
      { topic, partitions: 2 },
      { topic: other, partitions: 3 },
    ];
    await kafka.admin.ensureTopics(specs);
    await kafka.admin.ensureTopics(specs);
    expect(await kafka.admin.partitionCounts([topic, other, randomName('missing')])).toEqual(
      new Map([
        [topic, 2],
        [other, 3],
      ]),
    );
    expect(await readValues(kafka, topic, 1)).toEqual(['a']);
  });

  it('refuses a topic that exists with another number of partitions', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 2);
    await expect(kafka.admin.ensureTopics([{ topic, partitions: 3 }])).rejects.toMatchObject({
      code: 'MR_KAFKA_TOPIC_MISMATCH',
    });
  });

  it('deletes topics, and a topic of the same name starts empty', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 1);
    const producer = kafka.producer();
    await producer.send([{ topic, key: null, value: Buffer.from('old'), partition: 0 }]);
    await producer.close();
    await kafka.admin.deleteTopics([topic]);
    await until('it is gone', async () => (await kafka.admin.partitionCounts([topic])).size === 0);
    await kafka.admin.ensureTopics([{ topic, partitions: 1 }]);
    expect(await kafka.admin.offsets(topic)).toEqual([{ partition: 0, start: 0, end: 0 }]);
    expect(await readValues(kafka, topic, 0)).toEqual([]);
  });

  it('answers the first and the last stable offset of each partition', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 2);
    const producer = kafka.producer();
    const record = { topic, key: null, value: Buffer.from('a'), partition: 1 };
    await producer.send([record, record, record]);
    await producer.close();
    expect([...(await kafka.admin.offsets(topic))].sort((a, b) => a.partition - b.partition)).toEqual([
      { partition: 0, start: 0, end: 0 },
      { partition: 1, start: 0, end: 3 },
    ]);
  });
}

function reopening(engine: Engine): void {
  it('keeps topics, records, committed offsets and fences over a reopening, where the log is ours to reopen', async () => {
    const { kafka, reopen } = engine();
    const topic = await newTopic(kafka, 2);
    const id = { transactionalId: randomName('tx'), groupId: randomName('group') };
    const before = await initialised(kafka, id);
    await before.commit({
      records: [{ topic, key: 'k', value: Buffer.from('kept'), partition: 1 }],
      offsets: [{ topic, partition: 0, offset: 4 }],
    });
    const again = reopen === undefined ? kafka : await reopen();
    expect(await again.admin.partitionCounts([topic])).toEqual(new Map([[topic, 2]]));
    expect(await readValues(again, topic, 1)).toEqual(['kept']);
    expect(await again.admin.committed(id.groupId, topic)).toEqual([{ topic, partition: 0, offset: 4 }]);
    const after = await initialised(again, id);
    await expect(before.commit({ records: [], offsets: [] })).rejects.toThrow();
    await after.commit({ records: [], offsets: [{ topic, partition: 0, offset: 5 }] });
    await Promise.all([before.close(), after.close()]);
    expect(await again.admin.committed(id.groupId, topic)).toEqual([{ topic, partition: 0, offset: 5 }]);
  });
}
