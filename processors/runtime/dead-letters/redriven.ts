import type { LogRecord, ProduceRecord } from '../../../platform/kafka/port.ts';
import { EVENT_TIME_HEADER } from '../task/read-head.ts';
import { letterId, type LetterHead, type Target } from './letter.ts';

/** Headers that a letter has of its own; all others came with what it holds. */
const OF_LETTER =
  /^mr-(?:code|reason|step|subtopology|cause|time|cut-from-bytes|redriven-from|origin-.+|target-.+)$/;

/**
 * What a letter holds, on its way back: its bytes and its key, in its partition, with the headers it came with. Its
 * attempt goes along and counts on where it fails again. The log stamps it anew, since it is taken in now; where it has
 * no event time of its own, it keeps the one that its old stamp gave it.
 */
export function redrivenRecord(
  letter: LetterHead,
  record: LogRecord,
  { topic, partition }: Target & { readonly kind: 'topic' },
): ProduceRecord {
  const stamp = record.headers['mr-origin-timestamp'];
  return {
    ...{ topic, key: letter.key, value: record.value },
    ...(partition === undefined ? {} : { partition }),
    headers: {
      ...(stamp === undefined ? {} : { [EVENT_TIME_HEADER]: stamp }),
      ...Object.fromEntries(Object.entries(record.headers).filter(([name]) => !OF_LETTER.test(name))),
      'mr-attempt': String(letter.attempt),
      'mr-redriven-from': letterId(letter),
    },
  };
}
