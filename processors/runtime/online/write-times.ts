import type { Kafka, LogRecord, TopicPartition } from '../../../platform/kafka/port.ts';
import type { WriteTimes } from './online-views.ts';

const SLASH = 0x2f;

/**
 * When the entries of some stores of a task were last written, by the records of its changelog, epoch ms: that is when
 * what the online store shows of them was written too, so that a key that is written again keeps the end of its time to
 * live. Memory: a number for each entry.
 */
export class WriteTimesReader {
  readonly #times: ReadonlyMap<string, Map<string, number>>;

  constructor(stores: ReadonlySet<string>) {
    this.#times = new Map([...stores].map((store) => [store, new Map<string, number>()]));
  }

  get times(): WriteTimes {
    return this.#times;
  }

  /** Records of the changelog in their order; a part of them may come once more, if all that follows it does. */
  take(records: readonly LogRecord[]): void {
    for (const { key, value, timestampMs } of records) {
      const slash = key?.indexOf(SLASH) ?? -1;
      if (key === null || slash < 0) continue;
      const entries = this.#times.get(key.toString('utf8', 0, slash));
      if (entries === undefined) continue;
      const entry = key.toString('utf8', slash + 1);
      if (value === null) entries.delete(entry);
      else entries.set(entry, timestampMs);
    }
  }
}

/** The same of a whole changelog. */
export async function readWriteTimes(
  log: Pick<Kafka, 'readToEnd'>,
  changelog: TopicPartition,
  stores: ReadonlySet<string>,
): Promise<WriteTimes> {
  const reader = new WriteTimesReader(stores);
  for await (const { records } of log.readToEnd(changelog)) reader.take(records);
  return reader.times;
}
