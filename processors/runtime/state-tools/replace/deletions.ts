import type { LogReader } from '../../../../platform/kafka/log-reader.ts';
import type { ProduceRecord } from '../../../../platform/kafka/port.ts';
import { isMeta } from '../../state/task-meta.ts';
import { recordsOf, type LogRange } from '../changelogs.ts';
import { keyOf } from '../live-entries.ts';

/**
 * Deletions of all entries that a changelog has. They come before what replaces them, also of keys that are written
 * again: the duplicate filter adds a chunk of ids to those that it has read under the same key, and forgets with a
 * deleted chunk all that belongs to its span of time. Memory: one key for each entry.
 */
export async function deletionsOf(
  log: LogReader,
  range: LogRange,
  nowMs: number,
): Promise<readonly ProduceRecord[]> {
  const keys = new Set<string>();
  for await (const records of recordsOf(log, range)) {
    for (const { key, value } of records) {
      if (key === null || isMeta(key)) continue;
      if (value === null) keys.delete(keyOf(key));
      else keys.add(keyOf(key));
    }
  }
  const { topic, partition } = range;
  return [...keys].map((key) => ({
    ...{ topic, partition, key: Buffer.from(key, 'latin1').toString('utf8') },
    ...{ value: null, timestampMs: nowMs },
  }));
}
