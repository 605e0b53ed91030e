import type { LogReader } from '../../../platform/kafka/log-reader.ts';
import type { ProduceRecord, TopicSpec } from '../../../platform/kafka/port.ts';
import { redriveMarksTopic } from '../../../schemas/topics.ts';
import { letterId, type LetterHead } from './letter.ts';

/** Which letters were sent again: by name of the letter, when it was put aside, epoch ms. */
export type RedriveMarks = ReadonlyMap<string, number>;

/** Kept as long as letters may be, whatever retention those have. */
export function marksTopicSpec(namespace: string): TopicSpec {
  return { topic: redriveMarksTopic(namespace), partitions: 1, config: { 'cleanup.policy': 'compact' } };
}

/** Marks of a namespace; none where nothing was ever sent again. */
export async function readMarks(log: LogReader, namespace: string): Promise<RedriveMarks> {
  const topic = redriveMarksTopic(namespace);
  const marks = new Map<string, number>();
  if (!(await log.topicNames()).includes(topic)) return marks;
  for await (const { records } of log.readToEnd({ topic, partition: 0 })) {
    for (const { key, value } of records) {
      const id = String(key);
      if (value === null) marks.delete(id);
      else marks.set(id, Number(value.toString()));
    }
  }
  return marks;
}

/** Whether a letter was sent again. A topic that was made anew has other letters at the same places. */
export function isMarked(marks: RedriveMarks, letter: LetterHead): boolean {
  return marks.get(letterId(letter)) === letter.timestampMs;
}

/** Says that a letter was sent again; belongs into the same transaction. */
export function markRecord(namespace: string, letter: LetterHead): ProduceRecord {
  return {
    topic: redriveMarksTopic(namespace),
    ...{ partition: 0, key: letterId(letter), value: Buffer.from(String(letter.timestampMs)) },
  };
}

/** Deletes the marks of letters that are no longer there. */
export function forgottenMarks(
  namespace: string,
  marks: RedriveMarks,
  starts: ReadonlyMap<string, number>,
): ProduceRecord[] {
  return [...marks.keys()].flatMap((key) => {
    const at = key.lastIndexOf('/');
    const start = starts.get(key.slice(0, at));
    if (start !== undefined && Number(key.slice(at + 1)) >= start) return [];
    return [{ topic: redriveMarksTopic(namespace), partition: 0, key, value: null }];
  });
}
