import type { Kafka, TopicPartition } from '../../../platform/kafka/port.ts';
import type { WriteTimes } from './online-views.ts';

const SLASH = 0x2f;

/**
 * When the entries of some stores of a task were last written, by the records of its changelog, epoch ms: that is when
 * what the online store shows of them was written too, so that a key that is written again keeps the end of its time to
 * live. Memory: a number for each entry.
 */
export async function readWriteTimes(
  log: Pick<Kafka, 'readToEnd'>,
  changelog: TopicPartition,
  stores: ReadonlySet<string>,
): Promise<WriteTimes> {
  const times = new Map([...stores].map((store) => [store, new Map<string, number>()]));
  for await (const { records } of log.readToEnd(changelog)) {
    for (const { key, value, timestampMs } of records) {
      const slash = key?.indexOf(SLASH) ?? -1;
      if (key === null || slash < 0) continue;
      const entries = times.get(key.toString('utf8', 0, slash));
      if (entries === undefined) continue;
      const entry = key.toString('utf8', slash + 1);
      if (value === null) entries.delete(entry);
      else entries.set(entry, timestampMs);
    }
  }
  return times;
}
