import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../log.ts';
import type { RecordBatch } from '../port.ts';
import { Fetcher } from './fetcher.ts';
import type { FetchedPartition, FetchRequest } from './protocol/data-api.ts';
import { encodeRecordBatch } from './protocol/record-batch-writer.ts';
import { createScriptedCluster, lostAnswer, type ScriptedCluster } from './testing/scripted-cluster.ts';

const OFFSET_OUT_OF_RANGE = 1;
const UNKNOWN_TOPIC = 3;
const NOT_LEADER = 6;

let open: Fetcher[] = [];
afterEach(() => {
  for (const fetcher of open) fetcher.close();
  open = [];
});

function fetcherOn(cluster: ScriptedCluster, maxBatchRecords = 100, stallMs = 60_000): Fetcher {
  const fetcher = new Fetcher({ client: cluster, log: silentLogger(), maxBatchRecords, stallMs });
  open.push(fetcher);
  return fetcher;
}

/** A log of `count` records in each partition; answers hold until `release` where `gate` says so. */
function createBroker(
  count: number,
  options: { readonly code?: (node: number) => number; readonly isEmpty?: (node: number) => boolean } = {},
) {
  const gates: (() => void)[] = [];
  let gated = false;
  const cluster = createScriptedCluster(async ({ node, request }) => {
    if (gated) await new Promise<void>((resolve) => gates.push(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    const errorCode = options.code?.(Number(node)) ?? 0;
    const partitions = (request as FetchRequest).partitions.map(
      ({ topic, partition, offset }): FetchedPartition => ({
        topic,
        partition,
        errorCode,
        lastStableOffset: count,
        logStartOffset: 0,
        aborted: [],
        bytes:
          offset < count && errorCode === 0 && options.isEmpty?.(Number(node)) !== true
            ? batchAt(offset, count)
            : Buffer.alloc(0),
      }),
    );
    return { errorCode: 0, partitions };
  });
  cluster.lead('t', 0, 1);
  cluster.lead('t', 1, 1);
  const gate = () => void (gated = true);
  const release = () => {
    gated = false;
    for (const go of gates.splice(0)) go();
  };
  return { cluster, gate, release };
}

function batchAt(offset: number, end: number): Buffer {
  const records = Array.from({ length: end - offset }, (_, i) => ({
    key: null,
    value: Buffer.from(String(offset + i)),
    timestampMs: 0,
  }));
  const bytes = encodeRecordBatch({
    records,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    transactional: false,
  });
  bytes.writeBigInt64BE(BigInt(offset), 0);
  return bytes;
}

async function takeUntil(
  fetcher: Fetcher,
  enough: (batches: readonly RecordBatch[]) => boolean,
): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = [];
  while (!enough(batches)) {
    batches.push(...fetcher.take());
    if (!enough(batches)) await fetcher.ready(1_000);
  }
  return batches;
}

const place = (partition: number) => ({ topic: 't', partition });
const values = (batches: readonly RecordBatch[]) =>
  batches.flatMap((batch) =>
    batch.records.map((record) => `${batch.partition}:${record.value?.toString() ?? ''}`),
  );

describe('fetcher', () => {
  it('reads what was sought, in batches of the size asked for, and says once that it is idle', async () => {
    const { cluster } = createBroker(5);
    const fetcher = fetcherOn(cluster, 2);
    fetcher.assign([place(0), place(1)]);
    fetcher.seek({ ...place(0), offset: 1 });
    const batches = await takeUntil(fetcher, (all) => all.some((batch) => batch.records.length === 0));
    expect(batches.map((batch) => [batch.records.length, batch.nextOffset])).toEqual([
      [2, 3],
      [2, 5],
      [0, 5],
    ]);
    expect(values(batches)).toEqual(['0:1', '0:2', '0:3', '0:4']);
    await fetcher.ready(1_000);
    expect(fetcher.take()).toEqual([]);
  });

  it('drops an answer that was under way when the partitions were taken away', async () => {
    const { cluster, gate, release } = createBroker(3);
    const fetcher = fetcherOn(cluster);
    gate();
    fetcher.assign([place(0)]);
    fetcher.seek({ ...place(0), offset: 0 });
    fetcher.assign([place(0)]);
    release();
    await fetcher.ready(1_000);
    expect(fetcher.take()).toEqual([]);
    fetcher.seek({ ...place(0), offset: 2 });
    expect(values(await takeUntil(fetcher, (all) => all.length > 0))).toEqual(['0:2']);
  });

  it('drops an answer that was under way when the position was changed', async () => {
    const { cluster, gate, release } = createBroker(3);
    const fetcher = fetcherOn(cluster);
    gate();
    fetcher.assign([place(0)]);
    fetcher.seek({ ...place(0), offset: 0 });
    fetcher.seek({ ...place(0), offset: 2 });
    release();
    expect(values(await takeUntil(fetcher, (all) => all.length > 0))).toEqual(['0:2']);
  });

  it('holds a paused partition back and gives it when it is resumed', async () => {
    const { cluster } = createBroker(2);
    const fetcher = fetcherOn(cluster);
    fetcher.assign([place(0), place(1)]);
    fetcher.pause([place(0)]);
    for (const partition of [0, 1]) fetcher.seek({ ...place(partition), offset: 0 });
    expect(values(await takeUntil(fetcher, (all) => all.length > 1))).toEqual(['1:0', '1:1']);
    fetcher.resume([place(0)]);
    expect(values(await takeUntil(fetcher, (all) => all.length > 0))).toEqual(['0:0', '0:1']);
  });

  it('refuses an offset that the log does not have, until the next seek: kafkajs silently starts elsewhere', async () => {
    let code = OFFSET_OUT_OF_RANGE;
    const { cluster } = createBroker(2, { code: () => code });
    const fetcher = fetcherOn(cluster);
    fetcher.assign([place(0)]);
    fetcher.seek({ ...place(0), offset: 99 });
    const refused = takeUntil(fetcher, () => false);
    await expect(refused).rejects.toMatchObject({
      code: 'MR_KAFKA_OFFSET_OUT_OF_RANGE',
      context: { offset: 99 },
    });
    for (let again = 0; again < 2; again++)
      expect(() => fetcher.take()).toThrow(expect.objectContaining({ code: 'MR_KAFKA_OFFSET_OUT_OF_RANGE' }));
    code = 0;
    fetcher.seek({ ...place(0), offset: 0 });
    expect(values(await takeUntil(fetcher, (all) => all.length > 0))).toEqual(['0:0', '0:1']);
  });

  it('refuses a topic that was deleted and made anew, even where it has the offset', async () => {
    let code = 0;
    const { cluster } = createBroker(2, { code: () => code });
    const fetcher = fetcherOn(cluster);
    fetcher.assign([place(0)]);
    fetcher.seek({ ...place(0), offset: 0 });
    expect(values(await takeUntil(fetcher, (all) => all.length > 0))).toEqual(['0:0', '0:1']);
    cluster.recreate(place(0).topic);
    code = UNKNOWN_TOPIC;
    await expect(takeUntil(fetcher, () => false)).rejects.toMatchObject({ code: 'MR_KAFKA_TOPIC_RECREATED' });
  });

  it('tells of a partition that has records and is given none, and finds its new leader', async () => {
    const { cluster } = createBroker(2, { isEmpty: (node) => node === 1 });
    const fetcher = fetcherOn(cluster, 100, 0);
    fetcher.assign([place(0)]);
    fetcher.seek({ ...place(0), offset: 0 });
    cluster.lead('t', 0, 2);
    await fetcher.ready(1_000);
    expect(() => fetcher.take()).toThrow(expect.objectContaining({ code: 'MR_KAFKA_UNAVAILABLE' }));
    expect(values(await takeUntil(fetcher, (all) => all.length > 0))).toEqual(['0:0', '0:1']);
  });

  it('does not take a partition at its end for stalled', async () => {
    const { cluster } = createBroker(0);
    const fetcher = fetcherOn(cluster, 100, 0);
    fetcher.assign([place(0)]);
    fetcher.seek({ ...place(0), offset: 0 });
    const batches = await takeUntil(fetcher, (all) => all.length > 0);
    expect(batches).toMatchObject([{ records: [], nextOffset: 0, endOffset: 0 }]);
  });

  it('follows a partition that moves', async () => {
    const { cluster } = createBroker(2, { code: (node) => (node === 1 ? NOT_LEADER : 0) });
    const fetcher = fetcherOn(cluster);
    fetcher.assign([place(0)]);
    fetcher.seek({ ...place(0), offset: 0 });
    cluster.lead('t', 0, 2);
    expect(values(await takeUntil(fetcher, (all) => all.length > 0))).toEqual(['0:0', '0:1']);
    expect(cluster.seen.map((seen) => seen.node).slice(0, 2)).toEqual([1, 2]);
  });

  it('tells of a lost broker once and goes on by itself', async () => {
    let lost = 0;
    const healthy = createBroker(1).cluster;
    const cluster = createScriptedCluster((seen) => {
      if (lost++ === 0) throw lostAnswer();
      return healthy.call(1, { name: seen.api } as never, seen.request);
    });
    cluster.lead('t', 0, 1);
    const fetcher = fetcherOn(cluster);
    fetcher.assign([place(0)]);
    fetcher.seek({ ...place(0), offset: 0 });
    await fetcher.ready(1_000);
    expect(() => fetcher.take()).toThrow(expect.objectContaining({ code: 'MR_KAFKA_UNAVAILABLE' }));
    expect(values(await takeUntil(fetcher, (all) => all.length > 0))).toEqual(['0:0']);
  });
});
