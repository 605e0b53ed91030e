import type { LogReader, PartitionRange } from '../../../platform/kafka/log-reader.ts';
import type { LogRecord } from '../../../platform/kafka/port.ts';
import { deadLetterTopic } from '../../../schemas/topics.ts';
import { recordsOf } from '../state-tools/changelogs.ts';
import { letterHead, type LetterHead } from './letter.ts';

/** A dead-letter topic as it is in the log. */
export interface LetterTopic {
  readonly topic: string;
  readonly partitions: readonly PartitionRange[];
}

const SUFFIX = deadLetterTopic('');
/** Names of the contract behind a namespace. */
const OTHER_NAMESPACE = /^.+\.(?:shop|millrace)\./;

/** The dead-letter topics of a namespace, by name. */
export async function findLetterTopics(log: LogReader, namespace: string): Promise<readonly LetterTopic[]> {
  const isOwn = (topic: string) =>
    namespace === '' ? !OTHER_NAMESPACE.test(topic) : topic.startsWith(`${namespace}.`);
  const topics = (await log.topicNames()).filter((topic) => topic.endsWith(SUFFIX) && isOwn(topic));
  const offsets = await log.offsets(topics);
  return topics.map((topic) => ({ topic, partitions: offsets.get(topic) ?? [] }));
}

/** A letter with what it holds; the record is valid until the next one is asked for. */
export interface ReadLetter {
  readonly letter: LetterHead;
  readonly record: LogRecord;
}

/** The letters of a partition from an offset on, in their order. */
export async function* readLetters(
  log: LogReader,
  place: { readonly topic: string; readonly partition: number; readonly start: number; readonly end: number },
): AsyncGenerator<ReadLetter, undefined> {
  for await (const records of recordsOf(log, place))
    for (const record of records) yield { letter: letterHead(place, record), record };
}

/** All letters of topics without what they hold. */
export async function* readHeads(
  log: LogReader,
  topics: readonly LetterTopic[],
): AsyncGenerator<LetterHead, undefined> {
  // A key is a view of a whole fetch: the copy lets go of that.
  for (const { topic, partitions } of topics)
    for (const { partition, start, end } of partitions)
      for await (const { letter } of readLetters(log, { topic, partition, start, end }))
        yield { ...letter, key: letter.key === null ? null : Buffer.from(letter.key) };
}
