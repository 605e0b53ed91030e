import { MillraceError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { RecordBatch, TopicPartition } from '../port.ts';
import type { ClusterClient } from './cluster-client.ts';
import { Fetcher } from './fetcher.ts';
import { listOffsets } from './offsets.ts';
import { learnTopics } from './route.ts';

export interface ReaderEngine {
  connect(): ClusterClient;
  forget(client: ClusterClient): void;
  readonly log: Logger;
}

const MAX_BATCH_RECORDS = 5_000;
const POLL_MS = 1_000;

/** Yields batches up to the last stable offset of now. A broker that is away ends it with MR_KAFKA_UNAVAILABLE. */
export async function* readToEnd(
  source: TopicPartition & { readonly fromOffset?: number },
  engine: ReaderEngine,
): AsyncGenerator<RecordBatch> {
  const client = engine.connect();
  const fetcher = new Fetcher({ client, log: engine.log, maxBatchRecords: MAX_BATCH_RECORDS });
  try {
    const place = { topic: source.topic, partition: source.partition };
    await learnTopics(client, [place.topic]);
    const [end = 0] = await listOffsets(client, [place], 'end');
    const [start = 0] =
      source.fromOffset === undefined ? await listOffsets(client, [place], 'start') : [source.fromOffset];
    if (start > end)
      throw new MillraceError('MR_KAFKA_OFFSET_OUT_OF_RANGE', 'the partition ends before this offset', {
        context: { ...place, offset: start, end },
      });
    if (start === end) return;
    fetcher.assign([place]);
    fetcher.seek({ ...place, offset: start });
    for (;;) {
      const batches = fetcher.take();
      for (const batch of batches) {
        const cut = cutAt(batch, end);
        if (cut.records.length > 0) yield cut;
        if (cut.nextOffset >= end) return;
      }
      // While a batch was worked on, more may have come: nobody would end a wait for it.
      if (batches.length === 0) await fetcher.ready(POLL_MS);
    }
  } finally {
    fetcher.close();
    engine.forget(client);
  }
}

/** Leaves out what was written after the call. */
function cutAt(batch: RecordBatch, end: number): RecordBatch {
  if (batch.nextOffset <= end) return { ...batch, endOffset: end };
  return {
    ...batch,
    records: batch.records.filter((record) => record.offset < end),
    nextOffset: end,
    endOffset: end,
  };
}
