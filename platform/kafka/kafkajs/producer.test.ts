import { describe, expect, it } from 'vitest';
import { createProducer } from './producer.ts';
import type { ProduceRequest } from './protocol/data-api.ts';
import { RecordBatchReader } from './protocol/record-batch-reader.ts';
import { createScriptedCluster, lostAnswer } from './testing/scripted-cluster.ts';

type SentBatch = ProduceRequest['batches'][number];

/** One broker that gives producer ids and keeps every batch that it is sent; `fault` spoils the n-th append. */
function cluster(fault: (append: number) => 'lost' | 'refused' | null = () => null) {
  const sent: { producerId: number; sequence: number; partition: number; values: string[]; bytes: Buffer }[] =
    [];
  let ids = 0;
  let appends = 0;
  const scripted = createScriptedCluster(async ({ api, request }) => {
    await new Promise((resolve) => setImmediate(resolve));
    if (api === 'InitProducerId') return { errorCode: 0, producerId: ++ids, producerEpoch: 0 };
    const { batches } = request as ProduceRequest;
    for (const batch of batches) sent.push(describeBatch(batch));
    const what = fault(appends++);
    if (what === 'lost') throw lostAnswer();
    const errorCode = what === 'refused' ? 45 : 0;
    return {
      partitions: batches.map(({ topic, partition }) => ({ topic, partition, errorCode, baseOffset: 7 })),
    };
  });
  scripted.lead('t', 0, 1);
  scripted.lead('t', 1, 1);
  return { scripted, sent };
}

function describeBatch({ bytes, partition }: SentBatch) {
  const reader = new RecordBatchReader({ bytes, fromOffset: 0, aborted: [] });
  const values = reader.read(1_000).map((record) => record.value?.toString() ?? '');
  return {
    producerId: Number(bytes.readBigInt64BE(43)),
    sequence: bytes.readInt32BE(53),
    partition,
    values,
    bytes,
  };
}

const record = (value: string) => ({ topic: 't', key: null, value: Buffer.from(value), partition: 0 });

describe('the producer', () => {
  it('never gives a sequence to other records after a lost answer, however many sends overlap (fault B)', async () => {
    const { scripted, sent } = cluster((append) => (append === 0 ? 'lost' : null));
    const producer = createProducer(scripted);
    await Promise.all([
      producer.send([record('a')]),
      producer.send([record('b')]),
      producer.send([record('c')]),
    ]);
    await producer.close();
    const bySequence = new Map<number, Set<string>>();
    for (const { sequence, values } of sent)
      bySequence.set(sequence, new Set([...(bySequence.get(sequence) ?? []), values.join()]));
    for (const values of bySequence.values()) expect(values.size).toBe(1);
    expect(sent[1]?.bytes).toBe(sent[0]?.bytes);
    expect(sent.flatMap(({ values }) => values).sort()).toEqual(['a', 'a', 'b', 'c']);
  });

  it('takes a new producer id after an append of unknown fate, and starts its sequences anew', async () => {
    const { scripted, sent } = cluster((append) => (append === 1 ? 'refused' : null));
    const producer = createProducer(scripted);
    await producer.send([record('a')]);
    await expect(producer.send([record('b')])).rejects.toMatchObject({ code: 'MR_KAFKA_PRODUCE_FAILED' });
    await producer.send([record('c')]);
    await producer.close();
    expect(sent.map(({ producerId, sequence }) => [producerId, sequence])).toEqual([
      [1, 0],
      [1, 1],
      [2, 0],
    ]);
  });

  it('settles the partition of a record without a key once: a retry goes to the same (fault K)', async () => {
    const { scripted, sent } = cluster((append) => (append === 0 ? 'lost' : null));
    const producer = createProducer(scripted);
    const [at] = await producer.send([{ topic: 't', key: null, value: Buffer.from('a') }]);
    await producer.close();
    expect(sent.map(({ partition }) => partition)).toEqual([at?.partition, at?.partition]);
  });

  it('answers each of many sends at once, without a lock that times out', async () => {
    const { scripted } = cluster();
    const producer = createProducer(scripted);
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, i) => producer.send([record(String(i))])),
    );
    await producer.close();
    expect(answers.every((offsets) => offsets.length === 1)).toBe(true);
  });
});
