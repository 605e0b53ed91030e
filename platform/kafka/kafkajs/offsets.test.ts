import { describe, expect, it } from 'vitest';
import { committedOffsets, listOffsets } from './offsets.ts';
import { OFFSET_FETCH, type OffsetFetchResponse } from './protocol/group-api.ts';
import { ByteWriter } from './protocol/wire.ts';
import { createScriptedCluster, lostAnswer } from './testing/scripted-cluster.ts';

const UNSTABLE_OFFSET_COMMIT = 88;
const place = { topic: 't', partition: 0 };

function answering(...codes: (number | 'lost')[]) {
  return createScriptedCluster((): OffsetFetchResponse => {
    const code = codes.shift() ?? 0;
    if (code === 'lost') throw lostAnswer();
    const isUnstable = code === UNSTABLE_OFFSET_COMMIT;
    return {
      errorCode: isUnstable ? 0 : code,
      partitions: [{ ...place, offset: isUnstable ? -1 : 12, errorCode: isUnstable ? code : 0 }],
    };
  });
}

describe('committed offsets', () => {
  it('wait for a transaction that is about to settle instead of an older value (fault F)', async () => {
    const cluster = answering(UNSTABLE_OFFSET_COMMIT, UNSTABLE_OFFSET_COMMIT);
    expect(await committedOffsets(cluster, 'g', [place])).toEqual([{ ...place, offset: 12 }]);
    expect(cluster.seen.filter(({ api }) => api === 'OffsetFetch')).toHaveLength(3);
  });

  it('are asked for with RequireStable, which kafkajs cannot say (fault F)', () => {
    const out = new ByteWriter();
    OFFSET_FETCH.encode({ groupId: 'g', partitions: [place] }, out);
    expect(OFFSET_FETCH.version).toBe(7);
    expect([...out.finish().subarray(-2)]).toEqual([1, 0]);
  });

  it.each([14, 15, 16, 'lost'] as const)('follow a coordinator that moves: %s', async (code) => {
    const cluster = answering(code);
    expect(await committedOffsets(cluster, 'g', [place])).toEqual([{ ...place, offset: 12 }]);
    expect(cluster.seen.filter(({ api }) => api === 'OffsetFetch').map(({ node }) => node)).toEqual([1, 2]);
  });

  it('reject what will not pass', async () => {
    await expect(committedOffsets(answering(30), 'g', [place])).rejects.toMatchObject({
      code: 'MR_KAFKA_FAILED',
    });
  });
});

describe('first and last offsets', () => {
  it('follow a partition that moves between brokers', async () => {
    const cluster = createScriptedCluster(({ node }) => {
      if (node === 2) return { partitions: [{ ...place, offset: 5, errorCode: 0 }] };
      cluster.lead('t', 0, 2);
      return { partitions: [{ ...place, offset: -1, errorCode: 6 }] };
    });
    cluster.lead('t', 0, 1);
    expect(await listOffsets(cluster, [place], 'end')).toEqual([5]);
  });
});
