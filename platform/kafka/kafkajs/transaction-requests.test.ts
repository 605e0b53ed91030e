import { describe, expect, it } from 'vitest';
import { createScriptedCluster, lostAnswer } from './testing/scripted-cluster.ts';
import { createTransactionRequests } from './transaction-requests.ts';

const holder = { transactionalId: 'tx', producerId: 1, producerEpoch: 0 };

/** A cluster that answers each request of one API with the next code; 'lost' means no answer. */
function answering(api: string, ...codes: (number | 'lost')[]) {
  const cluster = createScriptedCluster((seen) => {
    const code = seen.api === api ? (codes.shift() ?? 0) : 0;
    if (code === 'lost') throw lostAnswer();
    return { errorCode: code, codes: [code], producerId: 7, producerEpoch: 2 };
  });
  const sent = () => cluster.seen.filter((seen) => seen.api === api);
  return { requests: createTransactionRequests(cluster, holder), sent };
}

describe('transaction requests', () => {
  it('wait at init until the transaction of an older holder is settled, in small steps (fault E)', async () => {
    const { requests, sent } = answering('InitProducerId', 51, 14, 'lost', 0);
    expect(await requests.init()).toEqual({ transactionalId: 'tx', producerId: 7, producerEpoch: 2 });
    expect(sent()).toHaveLength(4);
  });

  it('retry sendOffsets where the coordinator moves or is busy, which kafkajs gives up at once (fault D)', async () => {
    for (const code of [14, 15, 16, 51] as const) {
      const offsets = answering('TxnOffsetCommit', code, 0);
      await offsets.requests.commitOffsets('g', [{ topic: 't', partition: 0, offset: 1 }]);
      expect(offsets.sent().map((seen) => seen.node)).toEqual(code === 51 ? [1, 1] : [1, 2]);
      const added = answering('AddOffsetsToTxn', code, 0);
      await added.requests.addOffsets('g');
      expect(added.sent()).toHaveLength(2);
    }
  });

  it('never repeat a commit whose answer is lost: it could end a later transaction (fault G)', async () => {
    const { requests, sent } = answering('EndTxn', 'lost');
    await expect(requests.commit()).rejects.toMatchObject({ code: 'MR_KAFKA_TRANSACTION_UNKNOWN' });
    expect(sent()).toHaveLength(1);
  });

  it('never repeat offsets whose answer is lost: late, they would put back those of a later transaction', async () => {
    const { requests, sent } = answering('TxnOffsetCommit', 'lost');
    const commit = requests.commitOffsets('g', [{ topic: 't', partition: 0, offset: 1 }]);
    await expect(commit).rejects.toMatchObject({ code: 'MR_KAFKA_TRANSACTION_UNKNOWN' });
    expect(sent()).toHaveLength(1);
  });

  it('ask for a time-out so short that a dead holder blocks readers for seconds (fault L)', async () => {
    const { requests, sent } = answering('InitProducerId');
    await requests.init();
    expect(sent()[0]?.request).toMatchObject({ transactionTimeoutMs: 15_000 });
  });

  it('repeat a commit that the coordinator put off', async () => {
    const { requests, sent } = answering('EndTxn', 51, 14, 0);
    await requests.commit();
    expect(sent()).toHaveLength(3);
  });

  it('tell a fenced holder by both codes, also beside partitions that were not attempted', async () => {
    for (const code of [47, 90])
      await expect(answering('EndTxn', code).requests.commit()).rejects.toMatchObject({
        code: 'MR_KAFKA_FENCED',
      });
    const cluster = createScriptedCluster(() => ({ codes: [55, 90, 55] }));
    const added = createTransactionRequests(cluster, holder).addPartitions([{ topic: 't', partition: 0 }]);
    await expect(added).rejects.toMatchObject({ code: 'MR_KAFKA_FENCED' });
  });

  it('leave the outcome unknown when the coordinator aborted the transaction by itself', async () => {
    await expect(answering('EndTxn', 48).requests.commit()).rejects.toMatchObject({
      code: 'MR_KAFKA_TRANSACTION_UNKNOWN',
      context: { brokerError: 'INVALID_TXN_STATE' },
    });
  });
});
