/**
 * One transactional id, on the protocol of before KIP-890 part 2 (EOS with one producer for each input partition):
 * AddPartitionsToTxn, AddOffsetsToTxn, Produce and TxnOffsetCommit, EndTxn. A request whose answer is lost is never
 * repeated on the same epoch where it could end a later transaction, or put its offsets back, when it arrives after all
 * (Jepsen's report on Bufstream 0.1.0, KAFKA-17754):
 * the producer becomes unusable, and the next `init` raises the epoch, which fences what is still under way.
 */
import { MillraceError, hasCode } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { ProduceRecord, Transaction, TransactionalId, TransactionalProducer } from '../port.ts';
import { createAppender, type Appender } from './appender.ts';
import type { TopicLimits } from './topic-limits.ts';
import type { ClusterClient } from './cluster-client.ts';
import { createTransactionRequests, type TransactionRequests } from './transaction-requests.ts';
import type { TransactionHolder } from './protocol/transaction-api.ts';
import { learnTopics, routeRecords } from './route.ts';

export interface TransactionalProducerOptions extends TransactionalId {
  readonly client: ClusterClient;
  readonly limits: TopicLimits;
  readonly transactionTimeoutMs?: number | undefined;
  readonly log: Logger;
}

interface Session {
  readonly requests: TransactionRequests;
  readonly appender: Appender;
}

export function createTransactionalProducer(options: TransactionalProducerOptions): TransactionalProducer {
  const { client, limits, transactionalId, groupId, log } = options;
  const next = { roundRobin: 0 };
  let session: Session | null = null;
  let unusable: MillraceError | null = null;
  let committing: Promise<void> | null = null;

  const requireSession = (): Session => {
    if (unusable !== null) throw unusable;
    if (session === null)
      throw new MillraceError('MR_INTERNAL', 'commit before init of a transactional producer');
    if (committing !== null)
      throw new MillraceError('MR_INTERNAL', 'a second commit of a transactional producer at the same time');
    return session;
  };

  /** Which record is to blame can be told from what the topics take. */
  const learnLimits = (records: readonly ProduceRecord[]): Promise<void> =>
    limits.learn(records).catch((cause: unknown) => {
      log.debug({ err: cause, transactionalId }, 'could not look up what topics take');
    });

  const write = async ({ requests, appender }: Session, transaction: Transaction): Promise<void> => {
    await learnTopics(client, new Set(transaction.records.map((record) => record.topic)));
    const { appends } = routeRecords(client, transaction.records, next);
    if (appends.length > 0) await requests.addPartitions(appends);
    // Also for a transaction with nothing in it: so that a fenced holder learns of it.
    if (transaction.offsets.length > 0 || appends.length === 0) await requests.addOffsets(groupId);
    // Both are awaited whatever happens: an abort must not overtake an append.
    const [appended, moved] = await Promise.allSettled([
      appender.append(appends),
      transaction.offsets.length > 0 ? requests.commitOffsets(groupId, transaction.offsets) : undefined,
    ]);
    if (moved.status === 'rejected') throw moved.reason;
    if (appended.status === 'rejected') throw appended.reason;
    for (const outcome of appended.value) if ('error' in outcome) throw outcome.error;
  };

  const run = async (current: Session, transaction: Transaction): Promise<void> => {
    try {
      await write(current, transaction);
      await current.requests.commit();
    } catch (error) {
      unusable = transactionError(error, transactionalId);
      // Readers of committed records wait for open transactions, so this one is aborted where that can be done; where
      // not, the next init or the coordinator's time-out does it.
      if (!hasCode(unusable, 'MR_KAFKA_FENCED'))
        await current.requests.abort().catch((cause: unknown) => {
          log.debug({ err: cause, transactionalId }, 'could not abort a failed transaction');
        });
      if (hasCode(unusable, 'MR_KAFKA_PRODUCE_FAILED')) await learnLimits(transaction.records);
      throw unusable;
    }
  };

  const append = async ({ appender }: Session, records: readonly ProduceRecord[]): Promise<void> => {
    try {
      await learnTopics(client, new Set(records.map((record) => record.topic)));
      const { appends } = routeRecords(client, records, next);
      for (const outcome of await appender.append(appends, true)) if ('error' in outcome) throw outcome.error;
    } catch (error) {
      unusable = transactionError(error, transactionalId);
      if (hasCode(unusable, 'MR_KAFKA_PRODUCE_FAILED')) await learnLimits(records);
      throw unusable;
    }
  };

  /** One at a time; nobody else works with the session meanwhile. */
  const alone = async (work: Promise<void>): Promise<void> => {
    committing = work;
    try {
      await work;
    } finally {
      committing = null;
    }
  };

  return {
    async init() {
      if (unusable !== null) throw unusable;
      const nobody: TransactionHolder = { transactionalId, producerId: -1, producerEpoch: -1 };
      const holder = await createTransactionRequests(client, nobody, options.transactionTimeoutMs).init();
      session = {
        requests: createTransactionRequests(client, holder),
        appender: createAppender(client, holder),
      };
    },
    commit: async (transaction) => alone(run(requireSession(), transaction)),
    append: async (records) => alone(append(requireSession(), records)),
    refused: (records) => limits.refused(records),
    async close() {
      // What is under way gets its answer: closed in the middle, its outcome would be unknown.
      await committing?.catch(() => undefined); // the one who called commit is told
      unusable ??= new MillraceError('MR_KAFKA_TRANSACTION_UNKNOWN', 'the transactional producer is closed');
      client.close();
    },
  };
}

/** Fenced stays fenced; a record that Kafka refuses for good says so; anything else leaves the outcome unknown. */
function transactionError(error: unknown, transactionalId: string): MillraceError {
  if (!(error instanceof MillraceError))
    return new MillraceError('MR_INTERNAL', 'a transaction failed', { cause: error });
  if (error.code === 'MR_KAFKA_FENCED' || !error.retryable) return error;
  return new MillraceError(
    'MR_KAFKA_TRANSACTION_UNKNOWN',
    `a transaction was not completed: ${error.message}`,
    {
      cause: error,
      context: { ...error.context, transactionalId },
    },
  );
}
