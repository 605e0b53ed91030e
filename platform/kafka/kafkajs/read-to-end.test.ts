import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, it, vi } from 'vitest';
import { silentLogger } from '../../log.ts';
import type { FetchedPartition, FetchRequest, ListOffsetsRequest } from './protocol/data-api.ts';
import { encodeRecordBatch } from './protocol/record-batch-writer.ts';
import { readToEnd } from './read-to-end.ts';
import { createScriptedCluster } from './testing/scripted-cluster.ts';

const COUNT = 40_000;
/** Records of an answer of the broker: more than the reader is given at once. */
const ANSWER = 8_000;

afterEach(() => {
  vi.useRealTimers();
});

function clusterWith(count: number) {
  const cluster = createScriptedCluster(async ({ api, request }) => {
    await turn();
    if (api === 'ListOffsets') {
      const { at } = request as ListOffsetsRequest;
      return { partitions: [{ topic: 't', partition: 0, errorCode: 0, offset: at === 'start' ? 0 : count }] };
    }
    const partitions = (request as FetchRequest).partitions.map(
      ({ topic, partition, offset }): FetchedPartition => ({
        ...{ topic, partition, errorCode: 0, lastStableOffset: count, logStartOffset: 0, aborted: [] },
        bytes: offset < count ? batchAt(offset, Math.min(ANSWER, count - offset)) : Buffer.alloc(0),
      }),
    );
    return { errorCode: 0, partitions };
  });
  cluster.lead('t', 0, 1);
  return cluster;
}

function batchAt(offset: number, length: number): Buffer {
  const records = Array.from({ length }, () => ({ key: null, value: null, timestampMs: 0 }));
  const about = { producerId: -1, producerEpoch: -1, baseSequence: -1, transactional: false };
  const bytes = encodeRecordBatch({ records, ...about });
  bytes.writeBigInt64BE(BigInt(offset), 0);
  return bytes;
}

it('never waits for what has come while its reader was busy', async () => {
  // Time stands still: a wait that nobody ends would last for ever.
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  const cluster = clusterWith(COUNT);
  const engine = { connect: () => cluster, forget: () => undefined, log: silentLogger() };
  let count = 0;
  for await (const { records } of readToEnd({ topic: 't', partition: 0 }, engine)) {
    count += records.length;
    for (let i = 0; i < 10; i++) await turn(); // fetches end meanwhile
  }
  expect(count).toBe(COUNT);
});
