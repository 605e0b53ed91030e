import { MillraceError } from '../../../platform/errors.ts';
import type {
  Kafka,
  ProduceRecord,
  TopicPartition,
  TopicPartitionOffset,
  Transaction,
  TransactionalId,
  TransactionalProducer,
} from '../../../platform/kafka/port.ts';
import { ACCOUNT } from '../audit/task-account.ts';
import { OUTBOX } from '../state/outbox.ts';

const FENCE_KEY = `${ACCOUNT}/fence`;

export interface PlainCommitOptions {
  readonly kafka: Kafka;
  readonly id: TransactionalId;
  /** Where the state is kept. */
  readonly changelog: TopicPartition;
  /** Commits offsets in the name of the group's member. */
  readonly commitOffsets: (offsets: readonly TopicPartitionOffset[]) => Promise<void>;
  readonly now: () => number;
}

/**
 * Commits at least once: what was said, then the state, then the offsets, each acknowledged before the next, in no
 * transaction. Readers see records at once, and nothing waits for markers. A crash in between has things said and counted
 * again. The state has one writer all the same: a start writes to the changelog before it reads it, and from then on the
 * changelog refuses an older owner. For numbers that may be a little high, never for money.
 */
export function plainCommits(options: PlainCommitOptions): TransactionalProducer {
  const { kafka, id, changelog, commitOffsets, now } = options;
  const producer = kafka.transactionalProducer(id);
  let committing: Promise<void> | undefined;
  let isBroken = false;

  const run = async ({ records, offsets }: Transaction): Promise<void> => {
    try {
      await producer.append(records.filter(({ topic }) => topic !== changelog.topic));
      await producer.append(inOrder(records.filter(({ topic }) => topic === changelog.topic)));
      if (offsets.length > 0) await commitOffsets(offsets);
    } catch (error) {
      isBroken = true;
      throw commitError(error, id);
    }
  };

  return {
    async init() {
      await producer.init();
      await producer.append([fence(changelog, now())]);
    },
    async commit(transaction) {
      if (isBroken)
        throw new MillraceError('MR_KAFKA_TRANSACTION_UNKNOWN', 'an earlier commit was not completed');
      committing = run(transaction);
      await committing;
    },
    append: (records) => producer.append(records),
    refused: (records) => producer.refused(records),
    async close() {
      // What is under way ends first: closed in the middle, its outcome would be unknown.
      await committing?.catch(() => undefined); // the one who called commit is told
      await producer.close();
    },
  };
}

/** Deletes an entry that never is. */
function fence(changelog: TopicPartition, timestampMs: number): ProduceRecord {
  return { ...changelog, key: FENCE_KEY, value: null, timestampMs };
}

/** A large commit may be cut off in the middle: results are owed before the windows that said them are gone. */
function inOrder(changes: readonly ProduceRecord[]): readonly ProduceRecord[] {
  const isOwed = ({ key }: ProduceRecord) => typeof key === 'string' && key.startsWith(`${OUTBOX}/`);
  return [...changes.filter(isOwed), ...changes.filter((change) => !isOwed(change))];
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
