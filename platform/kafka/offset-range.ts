import { MillraceError } from '../errors.ts';
import type { TopicPartitionOffset } from './port.ts';

/** The error of an offset that a partition does not have: it names where the partition begins and ends. */
export function outOfRange(
  { topic, partition, offset }: TopicPartitionOffset,
  { start, end }: { readonly start: number; readonly end: number },
): MillraceError {
  const why =
    offset < start
      ? `${start - offset} offset(s) are gone that were not read`
      : 'the topic was deleted and made anew, or its end was lost';
  return new MillraceError(
    'MR_KAFKA_OFFSET_OUT_OF_RANGE',
    `${topic}/${partition} has offsets from ${start} to below ${end}, and not ${offset}, where reading goes on: ${why}`,
    { context: { topic, partition, offset, start, end } },
  );
}

/** The error of a topic that is another one than the one that was being read. */
export function recreated(topic: string): MillraceError {
  return new MillraceError(
    'MR_KAFKA_TOPIC_RECREATED',
    `topic ${topic} was deleted and made anew while it was read: offsets of the old one mean nothing in it`,
    { context: { topic } },
  );
}
