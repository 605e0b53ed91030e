import { MillraceError } from '../../platform/errors.ts';
import type { Kafka } from '../../platform/kafka/port.ts';

/** @throws MillraceError MR_STATE_RUNNING where the consumer group of the application has members */
export async function requireStopped({ admin }: Pick<Kafka, 'admin'>, groupId: string): Promise<void> {
  const members = await admin.groupMembers(groupId);
  if (members === 0) return;
  throw new MillraceError(
    'MR_STATE_RUNNING',
    `the application runs (${members} in its consumer group): end it, then rebuild again`,
    { context: { members } },
  );
}
