import { logReader } from '../../../platform/kafka/log-reader.ts';
import type { Kafka } from '../../../platform/kafka/port.ts';
import type { LetterHead } from './letter.ts';

/**
 * Looks at the topics that letters would go to.
 * @returns why a letter cannot be sent as these are now: its topic or its partition is gone, or the topic is compacted and
 * has a newer record of its key, over which it would put an old one
 */
export async function findTargets(
  kafka: Kafka,
  letters: readonly LetterHead[],
): Promise<(letter: LetterHead) => string | undefined> {
  const topics = [
    ...new Set(letters.flatMap(({ target }) => (target?.kind === 'topic' ? [target.topic] : []))),
  ];
  const counts = await kafka.admin.partitionCounts(topics);
  const settings = await kafka.admin.topicSettings(topics);
  const isCompacted = (topic: string) => (settings.get(topic)?.['cleanup.policy'] ?? '').includes('compact');
  const newer = await newestOffsets(
    kafka,
    letters.filter(({ target }) => target?.kind === 'topic' && isCompacted(target.topic)),
    counts,
  );
  return ({ target, origin, key }) => {
    if (target?.kind !== 'topic') return undefined;
    const partitions = counts.get(target.topic);
    if (partitions === undefined) return `there is no topic ${target.topic} any more`;
    if ((target.partition ?? 0) >= partitions)
      return `topic ${target.topic} has ${partitions} partition(s) and no ${target.partition ?? 0} any more`;
    if (key === null || origin?.topic !== target.topic) return undefined;
    const newest = newer.get(`${origin.topic}/${origin.partition}/${key.toString('base64')}`) ?? -1;
    if (newest <= origin.offset) return undefined;
    return `${target.topic} is compacted and has a newer record of its key`;
  };
}

/** Last offset of each key, in the partitions that letters came from. */
async function newestOffsets(
  kafka: Kafka,
  letters: readonly LetterHead[],
  counts: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, number>> {
  const newest = new Map<string, number>();
  const keys = new Set(
    letters.flatMap(({ origin, key }) =>
      origin === undefined || key === null
        ? []
        : [`${origin.topic}/${origin.partition}/${key.toString('base64')}`],
    ),
  );
  const places = new Map(
    letters.flatMap(({ origin }) =>
      origin === undefined || origin.partition >= (counts.get(origin.topic) ?? 0)
        ? []
        : [[`${origin.topic}/${origin.partition}`, origin] as const],
    ),
  );
  const log = logReader(kafka);
  for (const [place, { topic, partition }] of places) {
    for await (const { records } of log.readToEnd({ topic, partition })) {
      for (const { key, offset } of records) {
        const id = `${place}/${key?.toString('base64') ?? ''}`;
        if (keys.has(id)) newest.set(id, offset);
      }
    }
  }
  return newest;
}
