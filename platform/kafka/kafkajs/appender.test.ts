import { describe, expect, it } from 'vitest';
import { APPEND_LIMITS, createAppender, nextSequence } from './appender.ts';
import type { ProduceRequest } from './protocol/data-api.ts';
import { RecordBatchReader } from './protocol/record-batch-reader.ts';
import { createScriptedCluster, lostAnswer, type SeenRequest } from './testing/scripted-cluster.ts';

const identity = { producerId: 5, producerEpoch: 0, transactionalId: null };
const limits = { ...APPEND_LIMITS, deliveryTimeoutMs: 200 };
const NOT_LEADER = 6;
const MESSAGE_TOO_LARGE = 10;

const records = (...values: string[]) =>
  values.map((value) => ({ key: null, value: Buffer.from(value), timestampMs: 1 }));

/** Brokers that keep what is appended, and drop a batch whose sequence they have. */
function createLogs(
  fault: (seen: SeenRequest, batch: ProduceRequest['batches'][number]) => number | 'silent' = () => 0,
) {
  const logs = new Map<string, string[]>();
  const heads = new Map<string, { sequence: number; baseOffset: number }>();
  const append = (batch: ProduceRequest['batches'][number]): number => {
    const key = `${batch.topic}/${batch.partition}`;
    const sequence = batch.bytes.readInt32BE(53);
    const head = heads.get(key);
    if (head?.sequence === sequence) return head.baseOffset;
    const log = logs.get(key) ?? [];
    logs.set(key, log);
    heads.set(key, { sequence, baseOffset: log.length });
    const reader = new RecordBatchReader({ bytes: batch.bytes, fromOffset: 0, aborted: [] });
    const baseOffset = log.length;
    log.push(...reader.read(1000).map((record) => record.value?.toString() ?? ''));
    return baseOffset;
  };
  const cluster = createScriptedCluster((seen) => {
    const request = seen.request as ProduceRequest;
    const partitions = request.batches.flatMap((batch) => {
      const errorCode = fault(seen, batch);
      if (errorCode === 'silent') return [];
      const baseOffset = errorCode === 0 ? append(batch) : -1;
      return [{ topic: batch.topic, partition: batch.partition, errorCode, baseOffset }];
    });
    return { partitions };
  });
  cluster.lead('t', 0, 1);
  cluster.lead('t', 1, 2);
  return { cluster, logs, append };
}

describe('appending', () => {
  it('answers the offset of every record', async () => {
    const { cluster } = createLogs();
    const appender = createAppender(cluster, identity, limits);
    await appender.append([{ topic: 't', partition: 0, records: records('a') }]);
    const outcomes = await appender.append([
      { topic: 't', partition: 1, records: records('x') },
      { topic: 't', partition: 0, records: records('b', 'c') },
    ]);
    expect(outcomes).toEqual([{ offsets: [0] }, { offsets: [1, 2] }]);
  });

  it('loses nothing when a partition moves to a leader that has answered already (fault A)', async () => {
    // What kafkajs loses: broker 2 says NOT_LEADER, its partition moves to broker 1, whose answer is there.
    const { cluster, logs } = createLogs((seen, batch) => {
      if (seen.node !== 2 || batch.partition !== 1) return 0;
      cluster.lead('t', 1, 1);
      return NOT_LEADER;
    });
    const outcomes = await createAppender(cluster, identity, limits).append([
      { topic: 't', partition: 0, records: records('a') },
      { topic: 't', partition: 1, records: records('b') },
    ]);
    expect(outcomes).toEqual([{ offsets: [0] }, { offsets: [0] }]);
    expect([...logs]).toEqual([
      ['t/0', ['a']],
      ['t/1', ['b']],
    ]);
  });

  it('does not take a partition that is missing from the answer for written (fault A)', async () => {
    let asked = 0;
    const { cluster, logs } = createLogs((_, batch) =>
      batch.partition === 1 && asked++ === 0 ? 'silent' : 0,
    );
    const outcomes = await createAppender(cluster, identity, limits).append([
      { topic: 't', partition: 0, records: records('a') },
      { topic: 't', partition: 1, records: records('b') },
    ]);
    expect(outcomes).toEqual([{ offsets: [0] }, { offsets: [0] }]);
    expect(logs.get('t/1')).toEqual(['b']);
  });

  it('sends the same bytes, to the same partition, again when an answer is lost: nothing is written twice (faults B, K)', async () => {
    let lost = 0;
    const { append, logs } = createLogs();
    const cluster = createScriptedCluster(({ request }) => {
      const [batch] = (request as ProduceRequest).batches;
      const baseOffset = batch === undefined ? -1 : append(batch);
      if (lost++ === 0) throw lostAnswer();
      return { partitions: [{ topic: 't', partition: 0, errorCode: 0, baseOffset }] };
    });
    cluster.lead('t', 0, 1);
    const appender = createAppender(cluster, identity, limits);
    expect(await appender.append([{ topic: 't', partition: 0, records: records('a') }])).toEqual([
      { offsets: [0] },
    ]);
    expect(await appender.append([{ topic: 't', partition: 0, records: records('b') }])).toEqual([
      { offsets: [1] },
    ]);
    expect(logs.get('t/0')).toEqual(['a', 'b']);
    const sent = cluster.seen.map(({ request }) => (request as ProduceRequest).batches[0]?.bytes);
    expect(sent[1]).toBe(sent[0]);
    expect(appender.spoiled).toBe(false);
  });

  it('fails after its deadline with the last reason, and its sequence is spoiled', async () => {
    const { cluster } = createLogs(() => NOT_LEADER);
    const appender = createAppender(cluster, identity, { ...limits, deliveryTimeoutMs: 1 });
    const [outcome] = await appender.append([{ topic: 't', partition: 0, records: records('a') }]);
    expect(outcome).toMatchObject({ error: { code: 'MR_KAFKA_PRODUCE_FAILED', retryable: true } });
    expect(appender.spoiled).toBe(true);
  });

  it('refuses one partition for good, writes the others and goes on with the sequence', async () => {
    let large = true;
    const { cluster, logs } = createLogs((_, batch) =>
      batch.partition === 0 && large ? MESSAGE_TOO_LARGE : 0,
    );
    const appender = createAppender(cluster, identity, limits);
    const outcomes = await appender.append([
      { topic: 't', partition: 0, records: records('large') },
      { topic: 't', partition: 1, records: records('b') },
    ]);
    expect(outcomes).toMatchObject([
      { error: { code: 'MR_KAFKA_PRODUCE_FAILED', retryable: false } },
      { offsets: [0] },
    ]);
    large = false;
    expect(appender.spoiled).toBe(false);
    expect(await appender.append([{ topic: 't', partition: 0, records: records('small') }])).toEqual([
      { offsets: [0] },
    ]);
    expect(logs.get('t/0')).toEqual(['small']);
  });

  it('goes on from 0 after the sequence 2^31 - 1, as brokers expect, in the middle of a batch too (fault J)', () => {
    expect(nextSequence(2 ** 31 - 1, 1)).toBe(0);
    expect(nextSequence(2 ** 31 - 2, 1)).toBe(2 ** 31 - 1);
    expect(nextSequence(2 ** 31 - 10, 1_000)).toBe(990);
  });

  it('splits what is too large for the topic in one piece, and keeps order and sequences', async () => {
    const { cluster, logs } = createLogs((_, batch) => (batch.bytes.length > 120 ? MESSAGE_TOO_LARGE : 0));
    const values = Array.from({ length: 10 }, (_, i) => String(i));
    const appender = createAppender(cluster, identity, limits);
    const outcomes = await appender.append([{ topic: 't', partition: 0, records: records(...values) }]);
    expect(outcomes).toEqual([{ offsets: values.map(Number) }]);
    expect(await appender.append([{ topic: 't', partition: 0, records: records('next') }])).toEqual([
      { offsets: [10] },
    ]);
    expect(logs.get('t/0')).toEqual([...values, 'next']);
    expect(appender.spoiled).toBe(false);
  });

  it('tells a fenced producer', async () => {
    const { cluster } = createLogs(() => 90);
    const [outcome] = await createAppender(cluster, identity, limits).append([
      { topic: 't', partition: 0, records: records('a') },
    ]);
    expect(outcome).toMatchObject({ error: { code: 'MR_KAFKA_FENCED' } });
  });

  it('cuts what is too long for a batch or a request, in order', async () => {
    const { cluster, logs } = createLogs();
    const values = Array.from({ length: 10 }, (_, i) => String(i));
    const small = { ...limits, maxBatchBytes: 100, maxRequestBytes: 150 };
    const appends = [0, 1].map((partition) => ({ topic: 't', partition, records: records(...values) }));
    cluster.lead('t', 1, 1);
    await cluster.refresh(['t']);
    const outcomes = await createAppender(cluster, identity, small).append(appends);
    expect(outcomes).toEqual([{ offsets: values.map(Number) }, { offsets: values.map(Number) }]);
    expect([logs.get('t/0'), logs.get('t/1')]).toEqual([values, values]);
    for (const { request } of cluster.seen) expect((request as ProduceRequest).batches).toHaveLength(1);
  });
});
