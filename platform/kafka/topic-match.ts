import { MillraceError } from '../errors.ts';
import type { TopicSpec } from './port.ts';

/** A topic as it is. */
export interface FoundTopic {
  readonly partitions: number;
  readonly settings: Readonly<Record<string, string>>;
}

const POLICY = 'cleanup.policy';

/**
 * @throws MillraceError MR_KAFKA_TOPIC_MISMATCH where the number of partitions or the cleanup.policy, which is `delete`
 * unless set, is not the one asked for; the context names both
 */
export function requireMatch(wanted: TopicSpec, found: FoundTopic): void {
  const { topic, partitions, config = {} } = wanted;
  if (found.partitions !== partitions)
    throw mismatch(topic, 'partitions', { wanted: String(partitions), found: String(found.partitions) });
  const policy = config[POLICY];
  const foundPolicy = found.settings[POLICY] ?? 'delete';
  if (policy !== undefined && words(policy) !== words(foundPolicy))
    throw mismatch(topic, POLICY, { wanted: policy, found: foundPolicy });
}

function words(policy: string): string {
  return policy
    .split(',')
    .map((word) => word.trim())
    .sort()
    .join();
}

function mismatch(
  topic: string,
  setting: string,
  { wanted, found }: { readonly wanted: string; readonly found: string },
): MillraceError {
  const message = `topic ${topic} has ${setting} ${found}, its contract says ${wanted}`;
  return new MillraceError('MR_KAFKA_TOPIC_MISMATCH', message, {
    context: { topic, setting, wanted, found },
  });
}
