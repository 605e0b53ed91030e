import { hasCode, MillraceError } from '../../../platform/errors.ts';
import type { ProduceRecord, Transaction, TransactionalProducer } from '../../../platform/kafka/port.ts';
import type { PutAside, Refusal } from './refusals.ts';
import { causeOf, type Causes } from './task-outputs.ts';

export interface SparingCommit {
  readonly transaction: Transaction;
  /** What is behind the records of the transaction; those beyond its end are vital. */
  readonly causes: Causes;
  /** What the sinks refused of it. */
  readonly refusals: readonly Refusal[];
}

export interface SparingActs {
  /** Makes the dead letter of a refusal. */
  readonly letterOf: (refusal: Refusal) => ProduceRecord;
  /** Entries of the changelog by which what is kept of the commit is true again. */
  readonly amend: (aside: readonly PutAside[]) => readonly ProduceRecord[];
}

/**
 * Commits a transaction with the dead letters of what was refused of it: by the sinks before, and of its records by their
 * topics now. All else of it stands. A dead letter, a watermark or a change of the state that is refused fails it.
 * @throws MillraceError as {@link TransactionalProducer.commit}; MR_KAFKA_PRODUCE_FAILED is retryable where the next
 * commit of the same records puts aside what this one failed for
 */
export async function commitSparing(
  producer: TransactionalProducer,
  { transaction, causes, refusals }: SparingCommit,
  { letterOf, amend }: SparingActs,
): Promise<void> {
  const { records, offsets } = transaction;
  const refused = await producer.refused(records);
  const sent = [...records];
  const aside: PutAside[] = [];
  const putAside = (refusal: Refusal): ProduceRecord => {
    const letter = letterOf(refusal);
    aside.push({ refusal, letter });
    return letter;
  };
  for (const { index, reason } of refused) {
    const [record, cause] = [records[index], causeOf(causes, index)];
    if (record !== undefined && cause.kind !== 'vital')
      sent[index] = putAside({ kind: 'record', record, cause, reason });
  }
  for (const refusal of refusals) sent.push(putAside(refusal));
  // The last record of a commit says what the others are.
  if (aside.length > 0) sent.splice(records.length - 1, 0, ...amend(aside));
  try {
    await producer.commit({ offsets, records: sent });
  } catch (error) {
    if (!hasCode(error, 'MR_KAFKA_PRODUCE_FAILED') || error.retryable) throw error;
    // A topic takes less than when the records were looked at: from now on it is known which ones are to blame.
    const blamed = await producer.refused(records);
    const isAvoidable = blamed.some(({ index }) => causeOf(causes, index).kind !== 'vital');
    throw isAvoidable && refused.length < blamed.length ? again(error) : error;
  }
}

function again({ message, context, cause }: MillraceError): MillraceError {
  return new MillraceError('MR_KAFKA_PRODUCE_FAILED', message, { context, cause, retryable: true });
}
