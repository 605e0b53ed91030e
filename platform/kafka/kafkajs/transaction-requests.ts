import { MillraceError } from '../../errors.ts';
import type { TopicPartition, TopicPartitionOffset } from '../port.ts';
import { untilDone, type Attempt } from './backoff.ts';
import type { ClusterClient } from './cluster-client.ts';
import type { Api } from './protocol/api.ts';
import { partitionKey } from './protocol/by-topic.ts';
import {
  brokerError,
  CONCURRENT_TRANSACTIONS,
  FENCED,
  NONE,
  OPERATION_NOT_ATTEMPTED,
  REQUEST_TIMED_OUT,
  STALE_COORDINATOR,
  STALE_LEADER,
} from './protocol/error-codes.ts';
import {
  ADD_OFFSETS,
  ADD_PARTITIONS,
  COMMIT_OFFSETS,
  END_TRANSACTION,
  INIT_PRODUCER_ID,
  type TransactionHolder,
} from './protocol/transaction-api.ts';
import type { CoordinatorKind } from './protocol/metadata-api.ts';

/** The requests of one holder. Each rejects with MR_KAFKA_FENCED, MR_KAFKA_UNAVAILABLE or MR_KAFKA_FAILED. */
export interface TransactionRequests {
  /** Takes the next epoch; waits until the open transaction of an older holder is settled. */
  init(): Promise<TransactionHolder>;
  addPartitions(partitions: readonly TopicPartition[]): Promise<void>;
  addOffsets(groupId: string): Promise<void>;
  /** Not repeated when its answer is lost. */
  commitOffsets(groupId: string, offsets: readonly TopicPartitionOffset[]): Promise<void>;
  /** Not repeated when its answer is lost. */
  commit(): Promise<void>;
  /** One short attempt. */
  abort(): Promise<void>;
}

/** A dead holder's transaction blocks readers no longer than this, unless it is told otherwise. */
const TRANSACTION_TIMEOUT_MS = 15_000;
const DEADLINE_MS = 10_000;
const INIT_DEADLINE_MS = 30_000;
/** CONCURRENT_TRANSACTIONS passes within milliseconds: the markers of the transaction before are being written. */
const MAX_BACKOFF_MS = 100;

const ABORT_LIMITS = { deadlineMs: 1_000, timeoutMs: 2_000 };

interface Coordinated<Q, S> {
  readonly kind: CoordinatorKind;
  readonly key: string;
  readonly api: Api<Q, S>;
  readonly request: Q;
  /** The error codes in an answer. */
  codes(answer: S): readonly number[];
  /** False where a request without an answer must not be sent again. */
  readonly repeatable: boolean;
  readonly deadlineMs?: number;
  readonly timeoutMs?: number;
}

/** @param transactionTimeoutMs after which the coordinator aborts a transaction of the holder and fences it */
export function createTransactionRequests(
  client: ClusterClient,
  holder: TransactionHolder,
  transactionTimeoutMs = TRANSACTION_TIMEOUT_MS,
): TransactionRequests {
  const { transactionalId } = holder;
  const transaction = { kind: 'transaction', key: transactionalId } as const;

  const ask = async <Q, S>(what: Coordinated<Q, S>): Promise<S> =>
    untilDone(() => askOnce(client, what), {
      scheduler: client.scheduler,
      deadlineMs: what.deadlineMs ?? DEADLINE_MS,
      maxBackoffMs: MAX_BACKOFF_MS,
    });

  const end = async (commit: boolean, limits: { deadlineMs?: number; timeoutMs?: number }): Promise<void> => {
    await ask({
      ...transaction,
      api: END_TRANSACTION,
      request: { ...holder, commit },
      codes: ({ errorCode }) => [errorCode],
      repeatable: false,
      ...limits,
    });
  };

  return {
    async init() {
      const answer = await ask({
        ...transaction,
        api: INIT_PRODUCER_ID,
        request: { transactionalId, transactionTimeoutMs },
        codes: ({ errorCode }) => [errorCode],
        repeatable: true,
        deadlineMs: INIT_DEADLINE_MS,
      });
      return { transactionalId, producerId: answer.producerId, producerEpoch: answer.producerEpoch };
    },
    async addPartitions(partitions) {
      const distinct = [...new Map(partitions.map((place) => [partitionKey(place), place])).values()];
      await ask({
        ...transaction,
        api: ADD_PARTITIONS,
        request: { ...holder, partitions: distinct },
        codes: ({ codes }) => codes,
        repeatable: true,
      });
    },
    async addOffsets(groupId) {
      await ask({
        ...transaction,
        api: ADD_OFFSETS,
        request: { ...holder, groupId },
        codes: ({ errorCode }) => [errorCode],
        repeatable: true,
      });
    },
    async commitOffsets(groupId, offsets) {
      await ask({
        kind: 'group',
        key: groupId,
        api: COMMIT_OFFSETS,
        request: { ...holder, groupId, offsets },
        codes: ({ codes }) => codes,
        // Late, it would put the offsets of a later transaction of this epoch back.
        repeatable: false,
      });
    },
    commit: () => end(true, {}),
    abort: () => end(false, ABORT_LIMITS),
  };
}

async function askOnce<Q, S>(client: ClusterClient, what: Coordinated<Q, S>): Promise<Attempt<S>> {
  const node = await client.coordinatorOf(what.kind, what.key);
  let answer: S;
  try {
    answer = await client.call(node, what.api, what.request, what.timeoutMs);
  } catch (error) {
    client.forgetCoordinator(what.kind, what.key);
    if (!what.repeatable) throw lostAnswer(error);
    throw error;
  }
  // OPERATION_NOT_ATTEMPTED stands beside the code that is to blame.
  const codes = what.codes(answer).filter((code) => code !== NONE && code !== OPERATION_NOT_ATTEMPTED);
  const [code] = codes;
  if (code === undefined) return { done: answer };
  if (codes.some((c) => FENCED.has(c)))
    throw brokerError(code, what.api.name, { code: 'MR_KAFKA_FENCED', context: { id: what.key } });
  if (STALE_COORDINATOR.has(code)) client.forgetCoordinator(what.kind, what.key);
  else if (code !== CONCURRENT_TRANSACTIONS && !STALE_LEADER.has(code) && code !== REQUEST_TIMED_OUT)
    throw brokerError(code, what.api.name, {
      code: 'MR_KAFKA_TRANSACTION_UNKNOWN',
      context: { id: what.key },
    });
  return {
    again: brokerError(code, what.api.name, { code: 'MR_KAFKA_UNAVAILABLE', context: { id: what.key } }),
  };
}

/** Not MR_KAFKA_UNAVAILABLE, which would be tried again. */
function lostAnswer(error: unknown): MillraceError {
  return new MillraceError(
    'MR_KAFKA_TRANSACTION_UNKNOWN',
    'the answer to the end of a transaction was lost',
    {
      cause: error,
    },
  );
}
