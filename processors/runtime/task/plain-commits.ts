import { MillraceError } from '../../../platform/errors.ts';
import type {
  Kafka,
  TopicPartitionOffset,
  TransactionalId,
  TransactionalProducer,
} from '../../../platform/kafka/port.ts';

export interface PlainCommitOptions {
  readonly kafka: Kafka;
  readonly id: TransactionalId;
  /** Name of the topic that keeps the state. */
  readonly changelog: string;
  /** Commits offsets in the name of the group's member. */
  readonly commitOffsets: (offsets: readonly TopicPartitionOffset[]) => Promise<void>;
}

/**
 * Commits at least once: what was said, then the state, then the offsets, each acknowledged before the next, in no
 * transaction. Readers see records at once, and nothing waits for markers. A crash in between has things said and counted
 * again, and nobody is fenced: an owner whose session has ended may still write a last commit beside its successor's,
 * which leaves its changes in the state until the keys are written anew. For numbers that may be a little high, never for
 * money.
 */
export function plainCommits({
  kafka,
  id,
  changelog,
  commitOffsets,
}: PlainCommitOptions): TransactionalProducer {
  const producer = kafka.producer();
  /** Never begins a transaction: it knows what topics take. */
  const judge = kafka.transactionalProducer(id);
  let failure: MillraceError | undefined;
  return {
    init: () => Promise.resolve(),
    async commit({ records, offsets }) {
      if (failure !== undefined) throw failure;
      try {
        await producer.send(records.filter(({ topic }) => topic !== changelog));
        await producer.send(records.filter(({ topic }) => topic === changelog));
        if (offsets.length > 0) await commitOffsets(offsets);
      } catch (error) {
        throw (failure = commitError(error, id));
      }
    },
    refused: (records) => judge.refused(records),
    async close() {
      await Promise.all([producer.close(), judge.close()]);
    },
  };
}

/** What will not pass says so; anything else has the task start again from what was committed. */
function commitError(error: unknown, { transactionalId }: TransactionalId): MillraceError {
  if (!(error instanceof MillraceError))
    return new MillraceError('MR_INTERNAL', 'a commit failed', { cause: error });
  if (error.code === 'MR_KAFKA_FENCED' || !error.retryable) return error;
  const context = { ...error.context, transactionalId };
  return new MillraceError('MR_KAFKA_TRANSACTION_UNKNOWN', `a commit was not completed: ${error.message}`, {
    ...{ cause: error, context },
  });
}
