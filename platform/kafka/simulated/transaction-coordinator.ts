/**
 * The transaction coordinator of the simulated cluster, on the protocol of before KIP-890 part 2 (KIP-98; the states of
 * org.apache.kafka.coordinator.transaction): an EndTxn is answered when its outcome is decided, and its markers reach
 * the partitions afterwards, one by one. An EndTxn that arrives late can end the next transaction of the same epoch, as
 * it can in Apache Kafka (KAFKA-17754).
 */
import type { Scheduler } from '../../scheduler.ts';
import type { TopicPartition } from '../port.ts';
import { partitionKey } from '../kafkajs/protocol/by-topic.ts';
import {
  CONCURRENT_TRANSACTIONS,
  INVALID_PRODUCER_EPOCH,
  INVALID_PRODUCER_ID_MAPPING,
  INVALID_TXN_STATE,
  NONE,
} from '../kafkajs/protocol/error-codes.ts';
import type { InitProducerIdResponse, TransactionHolder } from '../kafkajs/protocol/transaction-api.ts';

/** Where an outcome has to be written: a partition, or the offsets of a group. */
export interface Participant {
  mark(producerId: number, epoch: number, outcome: { readonly commit: boolean; readonly atMs: number }): void;
}

export interface TransactionCoordinatorOptions {
  readonly scheduler: Scheduler;
  /** How long one marker takes, ms. */
  readonly markerDelayMs: () => number;
  readonly partition: (place: TopicPartition) => Participant | undefined;
  readonly group: (groupId: string) => Participant;
}

interface Entry {
  readonly producerId: number;
  epoch: number;
  timeoutMs: number;
  state: 'empty' | 'ongoing' | 'preparing' | 'complete';
  /** Outcome of the transaction that is ending or has ended. */
  commit: boolean;
  participants: Map<string, Participant>;
  forget: () => void;
}

const PARTITION = 'partition ';
const GROUP = 'group ';

export class TransactionCoordinator {
  readonly #options: TransactionCoordinatorOptions;
  readonly #entries = new Map<string, Entry>();
  #nextProducerId = 1000;

  constructor(options: TransactionCoordinatorOptions) {
    this.#options = options;
  }

  init(transactionalId: string | null, timeoutMs: number): InitProducerIdResponse {
    if (transactionalId === null)
      return { errorCode: NONE, producerId: this.#nextProducerId++, producerEpoch: 0 };
    const known = this.#entries.get(transactionalId);
    if (known === undefined) {
      const entry: Entry = {
        ...{ producerId: this.#nextProducerId++, epoch: 0, timeoutMs, state: 'empty', commit: false },
        participants: new Map(),
        forget: () => undefined,
      };
      this.#entries.set(transactionalId, entry);
      return { errorCode: NONE, producerId: entry.producerId, producerEpoch: 0 };
    }
    if (known.state === 'ongoing') {
      known.epoch += 1; // the holder is fenced before its transaction is aborted
      this.#end(known, false);
    }
    if (known.state === 'preparing')
      return { errorCode: CONCURRENT_TRANSACTIONS, producerId: -1, producerEpoch: -1 };
    known.epoch += 1;
    known.timeoutMs = timeoutMs;
    known.state = 'empty';
    return { errorCode: NONE, producerId: known.producerId, producerEpoch: known.epoch };
  }

  addPartitions(holder: TransactionHolder, places: readonly TopicPartition[]): number {
    const found = places.map(
      (place) => [PARTITION + partitionKey(place), this.#options.partition(place)] as const,
    );
    return this.#add(
      holder,
      found.flatMap(([key, log]) => (log === undefined ? [] : [[key, log] as const])),
    );
  }

  addOffsets(holder: TransactionHolder, groupId: string): number {
    return this.#add(holder, [[GROUP + groupId, this.#options.group(groupId)]]);
  }

  /** Whether a batch of a producer may be written to a partition: its transaction has to be open there (KIP-890, part 1). */
  isOpenIn(place: TopicPartition, producerId: number, epoch: number): boolean {
    return this.#isOpen(PARTITION + partitionKey(place), producerId, epoch);
  }

  isOpenFor(groupId: string, producerId: number, epoch: number): boolean {
    return this.#isOpen(GROUP + groupId, producerId, epoch);
  }

  end(holder: TransactionHolder, commit: boolean): number {
    const entry = this.#entries.get(holder.transactionalId);
    const refusal = refusalOf(entry, holder);
    if (refusal !== NONE || entry === undefined) return refusal;
    switch (entry.state) {
      case 'ongoing':
        this.#end(entry, commit);
        return NONE;
      case 'preparing':
        return entry.commit === commit ? CONCURRENT_TRANSACTIONS : INVALID_TXN_STATE;
      case 'complete':
        return entry.commit === commit ? NONE : INVALID_TXN_STATE;
      case 'empty':
        return INVALID_TXN_STATE;
    }
  }

  #isOpen(key: string, producerId: number, epoch: number): boolean {
    for (const entry of this.#entries.values())
      if (entry.producerId === producerId)
        return entry.epoch === epoch && entry.state === 'ongoing' && entry.participants.has(key);
    return false;
  }

  #add(holder: TransactionHolder, participants: readonly (readonly [string, Participant])[]): number {
    const entry = this.#entries.get(holder.transactionalId);
    const refusal = refusalOf(entry, holder);
    if (refusal !== NONE || entry === undefined) return refusal;
    if (entry.state === 'preparing') return CONCURRENT_TRANSACTIONS;
    if (entry.state !== 'ongoing') this.#begin(entry);
    for (const [key, participant] of participants) entry.participants.set(key, participant);
    return NONE;
  }

  #begin(entry: Entry): void {
    entry.state = 'ongoing';
    entry.participants = new Map();
    entry.forget = this.#options.scheduler.after(entry.timeoutMs, () => {
      if (entry.state !== 'ongoing') return;
      entry.epoch += 1;
      this.#end(entry, false);
    });
  }

  #end(entry: Entry, commit: boolean): void {
    const { scheduler, markerDelayMs } = this.#options;
    entry.forget();
    entry.state = 'preparing';
    entry.commit = commit;
    const { epoch, participants } = entry;
    let left = participants.size;
    if (left === 0) entry.state = 'complete';
    for (const participant of participants.values()) {
      scheduler.after(markerDelayMs(), () => {
        participant.mark(entry.producerId, epoch, { commit, atMs: scheduler.now() });
        left -= 1;
        if (left === 0) entry.state = 'complete';
      });
    }
  }
}

function refusalOf(entry: Entry | undefined, holder: TransactionHolder): number {
  if (entry?.producerId !== holder.producerId) return INVALID_PRODUCER_ID_MAPPING;
  return entry.epoch === holder.producerEpoch ? NONE : INVALID_PRODUCER_EPOCH;
}
