import { MillraceError } from '../../errors.ts';
import type {
  ProduceRecord,
  RefusedRecord,
  Transaction,
  TransactionalId,
  TransactionalProducer,
} from '../port.ts';
import {
  addRecords,
  closedProducer,
  openGroup,
  placeRecords,
  tooLargeRecords,
  type ProducerOptions,
} from './producer.ts';

/**
 * A transaction is one group's frame, so it needs no markers. The epoch of the id is checked when a commit is asked
 * for: a later `init` is behind it in the journal and resolves after it.
 */
export class EmbeddedTransactionalProducer implements TransactionalProducer {
  readonly #id: TransactionalId;
  readonly #options: ProducerOptions;
  #epoch: number | undefined;
  #failure: MillraceError | undefined;
  #commits = 0;

  constructor(id: TransactionalId, options: ProducerOptions) {
    this.#id = id;
    this.#options = options;
  }

  async init(): Promise<void> {
    const { journal } = this.#options;
    const { transactionalId } = this.#id;
    if (this.#failure !== undefined) throw this.#failure;
    const group = openGroup(journal);
    const epoch = journal.state.claimEpoch(transactionalId);
    group.operations.push({ op: 'epoch', transactionalId, epoch });
    this.#epoch = epoch;
    await this.#settled(group.done);
  }

  async commit(transaction: Transaction): Promise<void> {
    const { journal, now } = this.#options;
    const { groupId, transactionalId } = this.#id;
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#epoch !== journal.state.epoch(transactionalId)) throw this.#fail(this.#notTheHolder());
    const { records, offsets } = transaction;
    try {
      const places = placeRecords(journal.state, records, this.#commits++);
      for (const { topic, partition } of offsets) journal.state.partition(topic, partition);
      const group = openGroup(journal);
      addRecords(group, { records, places, nowMs: now() });
      if (offsets.length > 0) {
        const tuples = offsets.map(({ topic, partition, offset }) => [topic, partition, offset] as const);
        group.operations.push({ op: 'offsets', groupId, offsets: tuples });
      }
      await group.done;
    } catch (cause) {
      // A record that is refused for good says so: the caller would send it again for ever.
      const isFinal = cause instanceof MillraceError && !cause.retryable;
      throw this.#fail(isFinal ? cause : unknownOutcome(cause));
    }
  }

  /** All of them or none, which is more than is asked for. */
  append(records: readonly ProduceRecord[]): Promise<void> {
    return this.commit({ records, offsets: [] });
  }

  async refused(records: readonly ProduceRecord[]): Promise<readonly RefusedRecord[]> {
    return tooLargeRecords(this.#options.journal.state, records);
  }

  async close(): Promise<void> {
    this.#failure ??= closedProducer();
  }

  async #settled(done: Promise<void>): Promise<void> {
    try {
      await done;
    } catch (cause) {
      throw this.#fail(unknownOutcome(cause));
    }
  }

  #fail(error: MillraceError): MillraceError {
    this.#failure = error;
    return error;
  }

  #notTheHolder(): MillraceError {
    const context = { transactionalId: this.#id.transactionalId };
    if (this.#epoch === undefined) return new MillraceError('MR_INTERNAL', 'commit before init', { context });
    return new MillraceError('MR_KAFKA_FENCED', 'a newer producer holds this transactional id', { context });
  }
}

/** Nothing was written, but as with Kafka the caller starts again from its last committed state. */
function unknownOutcome(cause: unknown): MillraceError {
  return new MillraceError('MR_KAFKA_TRANSACTION_UNKNOWN', 'the transaction failed', { cause });
}
