import { expect, it } from 'vitest';
import { groupLag } from '../group-lag.ts';
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

  it('says what it is', async () => {
    const { kafka } = engine();
    const { engine: name, version, where } = await kafka.info(30_000);
    expect(name).toBe(kafka.kind === 'real' ? 'Apache Kafka' : 'embedded log');
    expect(version).toMatch(/^\d+\.\d+/);
    expect(where).not.toBe('');
  });

  it('lists topics, tells their settings, and knows nothing of those that do not exist', async () => {
    const { kafka } = engine();
    const config = { 'cleanup.policy': 'compact', 'retention.ms': '86400000' };
    const topic = await newTopic(kafka, 2, config);
    const missing = randomName('missing');
    const listed = await kafka.admin.topicNames();
    expect(listed).toContain(topic);
    expect(listed.filter((name) => name.startsWith('__'))).toEqual([]);
    expect(listed).toEqual([...listed].sort());
    const settings = await kafka.admin.topicSettings([topic, missing]);
    expect([...settings.keys()]).toEqual([topic]);
    expect(settings.get(topic)).toMatchObject(config);
    await kafka.admin.deleteTopics([topic, missing]);
    expect(await kafka.admin.topicNames()).not.toContain(topic);
  });

  it('refuses a topic that would keep or lose what its contract does not say, and tells both', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 1, { 'cleanup.policy': 'compact,delete' });
    const asked = (policy: string) =>
      kafka.admin.ensureTopics([
        { topic, partitions: 1, config: { 'cleanup.policy': policy, 'retention.ms': '5000' } },
      ]);
    await expect(asked('delete, compact')).resolves.toBeUndefined();
    await expect(asked('compact')).rejects.toMatchObject({
      code: 'MR_KAFKA_TOPIC_MISMATCH',
      context: { topic, setting: 'cleanup.policy', wanted: 'compact', found: 'compact,delete' },
    });
  });

  it('refuses a name that no topic may have', async () => {
    const { kafka } = engine();
    await expect(kafka.admin.ensureTopics([{ topic: 'no spaces', partitions: 1 }])).rejects.toMatchObject({
      retryable: false,
    });
  });

  it('tells how far a group is behind, partition by partition, also where it has committed nothing', async () => {
    const { kafka } = engine();
    const [groupId, topic, other] = [randomName('group'), await newTopic(kafka, 2), await newTopic(kafka, 1)];
    const producer = kafka.producer();
    const record = (partition: number) => ({ topic, key: null, value: Buffer.from('a'), partition });
    await producer.send([record(0), record(0), record(0), record(1), record(1)]);
    await producer.close();
    const committer = await initialised(kafka, { transactionalId: randomName('tx'), groupId });
    await committer.commit({ records: [], offsets: [{ topic, partition: 0, offset: 2 }] });
    await committer.close();
    const places = [
      { topic, partition: 0, committed: 2, end: 3, lag: 1 },
      { topic, partition: 1, committed: undefined, end: 2, lag: 2 },
      { topic: other, partition: 0, committed: undefined, end: 0, lag: 0 },
    ];
    const lags = await groupLag(kafka.admin, groupId, [topic, other]);
    expect(lags).toEqual(
      places.sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition)),
    );
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
    // Its markers may still be on their way when a commit is answered; a successor's init waits for them.
    const after = await initialised(again, id);
    expect(await readValues(again, topic, 1)).toEqual(['kept']);
    expect(await again.admin.committed(id.groupId, topic)).toEqual([{ topic, partition: 0, offset: 4 }]);
    await expect(before.commit({ records: [], offsets: [] })).rejects.toThrow();
    await after.commit({ records: [], offsets: [{ topic, partition: 0, offset: 5 }] });
    await Promise.all([before.close(), after.close()]);
    expect(await again.admin.committed(id.groupId, topic)).toEqual([{ topic, partition: 0, offset: 5 }]);
  });
}
