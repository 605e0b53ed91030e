import type { RecordBatch } from '../port.ts';
import type { PartitionLog } from './partition-log.ts';

const MAX_RECORDS = 5_000;

/** Batches from an offset, or from the start, up to the end that the partition has now. */
export async function* readToEnd(
  log: PartitionLog,
  range: { readonly from: number; readonly end: number },
): AsyncGenerator<RecordBatch> {
  const { topic, partition } = log;
  const { end: endOffset } = range;
  if (range.from > endOffset) throw log.outOfRange(range.from);
  for (let offset = range.from; offset < endOffset; ) {
    const { records, nextOffset } = await log.read(offset, { maxRecords: MAX_RECORDS, endOffset });
    offset = nextOffset;
    if (records.length > 0) yield { topic, partition, records, nextOffset, endOffset };
  }
}
