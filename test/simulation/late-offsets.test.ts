import { expect, it } from 'vitest';
import { runProof } from './proof-run.ts';

/** Sent again after a lost answer, the first request came four transactions later and put the position back. */
it('offsets of a transaction that arrive late do not put back those of a later one', async () => {
  const { drawn } = await runProof(4843, { faults: [] });
  expect(drawn[0]).toMatchObject({ kind: 'request-delayed', api: 'TxnOffsetCommit' });
  expect((await runProof(4843)).problems).toEqual([]);
});
