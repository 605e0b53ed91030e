import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../log.ts';
import type { ProduceRequest } from './protocol/data-api.ts';
import { createScriptedCluster, lostAnswer } from './testing/scripted-cluster.ts';
import { createTopicLimits } from './topic-limits.ts';
import { createTransactionalProducer } from './transactional-producer.ts';

/** A coordinator and a leader in one; `fault` answers instead of them, with a code or not at all. */
function cluster(fault: (api: string, times: number) => number | 'lost' | null = () => null) {
  const times = new Map<string, number>();
  let epoch = 0;
  const scripted = createScriptedCluster(({ api, request }) => {
    times.set(api, (times.get(api) ?? 0) + 1);
    const code = fault(api, times.get(api) ?? 0) ?? 0;
    if (code === 'lost') throw lostAnswer();
    if (api === 'Produce')
      return {
        partitions: (request as ProduceRequest).batches.map(({ topic, partition }) => ({
          ...{ topic, partition, errorCode: code },
          baseOffset: 0,
        })),
      };
    if (api === 'InitProducerId') epoch++;
    return { errorCode: code, codes: [code], producerId: 1, producerEpoch: epoch };
  });
  scripted.lead('t', 0, 1);
  const open = () =>
    createTransactionalProducer({
      client: scripted,
      limits: createTopicLimits({ topicSettings: () => Promise.resolve(new Map()) }, Date.now),
      log: silentLogger(),
      transactionalId: 'tx',
      groupId: 'g',
    });
  const apis = () => scripted.seen.map(({ api }) => api).filter((api) => !api.startsWith('FindCoordinator'));
  return { scripted, open, apis };
}

const transaction = {
  records: [{ topic: 't', key: null, value: Buffer.from('a'), partition: 0 }],
  offsets: [{ topic: 'in', partition: 0, offset: 3 }],
};

describe('the transactional producer', () => {
  it('does not wedge when the end of a transaction fails: the next holder of the id goes on (faults C, G)', async () => {
    const { open, apis } = cluster((api, times) => (api === 'EndTxn' && times === 1 ? 'lost' : null));
    const producer = open();
    await producer.init();
    const unknown = { code: 'MR_KAFKA_TRANSACTION_UNKNOWN', retryable: true };
    await expect(producer.commit(transaction)).rejects.toMatchObject(unknown);
    const sent = apis().length;
    // Nothing more goes out under the epoch whose fate is unknown.
    await expect(producer.commit(transaction)).rejects.toMatchObject(unknown);
    await expect(producer.init()).rejects.toMatchObject(unknown);
    expect(apis()).toHaveLength(sent);
    await producer.close();
    const next = open();
    await next.init();
    await expect(next.commit(transaction)).resolves.toBeUndefined();
    await next.close();
  });

  it('aborts, and moves no offset, when its records were not written', async () => {
    const { open, scripted } = cluster((api) => (api === 'Produce' ? 87 : null));
    const producer = open();
    await producer.init();
    await expect(producer.commit(transaction)).rejects.toMatchObject({ code: 'MR_KAFKA_PRODUCE_FAILED' });
    const ends = scripted.seen.filter(({ api }) => api === 'EndTxn');
    expect(ends.map(({ request }) => request)).toMatchObject([{ commit: false }]);
    await producer.close();
  });

  it('ends a transaction with nothing in it, so that a fenced holder learns of it (fault H)', async () => {
    const { open, apis } = cluster();
    const producer = open();
    await producer.init();
    await producer.commit({ records: [], offsets: [] });
    await producer.commit({ records: [], offsets: [] });
    expect(apis()).toEqual(['InitProducerId', 'AddOffsetsToTxn', 'EndTxn', 'AddOffsetsToTxn', 'EndTxn']);
    await producer.close();
    const fenced = cluster((api) => (api === 'AddOffsetsToTxn' ? 90 : null)).open();
    await fenced.init();
    await expect(fenced.commit({ records: [], offsets: [] })).rejects.toMatchObject({
      code: 'MR_KAFKA_FENCED',
    });
    await fenced.close();
  });

  it('does not end a transaction when another has taken over its id', async () => {
    const { open, apis } = cluster((api) => (api === 'AddPartitionsToTxn' ? 90 : null));
    const producer = open();
    await producer.init();
    await expect(producer.commit(transaction)).rejects.toMatchObject({ code: 'MR_KAFKA_FENCED' });
    expect(apis()).not.toContain('EndTxn');
    await producer.close();
  });
});
