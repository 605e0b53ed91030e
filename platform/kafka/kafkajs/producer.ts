import { MillraceError } from '../../errors.ts';
import type { ProduceRecord, Producer, TopicPartitionOffset } from '../port.ts';
import { createAppender, type Appender, type AppendOutcome } from './appender.ts';
import { untilDone } from './backoff.ts';
import type { ClusterClient } from './cluster-client.ts';
import { brokerError, NONE } from './protocol/error-codes.ts';
import { INIT_PRODUCER_ID } from './protocol/transaction-api.ts';
import { learnTopics, routeRecords, type RoutedRecords } from './route.ts';

interface Waiting {
  readonly records: readonly ProduceRecord[];
  resolve(offsets: readonly TopicPartitionOffset[]): void;
  reject(error: MillraceError): void;
}

/** Sends that wait while another is in flight go out together, up to so many records. */
const MAX_COALESCED_RECORDS = 20_000;
const INIT_DEADLINE_MS = 15_000;

/**
 * The idempotent producer: acks=all, one append at a time, waiting sends coalesced. After an append of unknown fate it
 * takes a new producer id, since the sequence may or may not have been used.
 */
export function createProducer(client: ClusterClient): Producer {
  const waiting: Waiting[] = [];
  const next = { roundRobin: Math.floor(client.scheduler.random() * 1024) };
  let appender: Appender | null = null;
  let draining: Promise<void> | null = null;
  let closed = false;

  const currentAppender = async (): Promise<Appender> => {
    if (appender === null || appender.spoiled) {
      const { producerId, producerEpoch } = await initProducerId(client);
      appender = createAppender(client, { producerId, producerEpoch, transactionalId: null });
    }
    return appender;
  };

  const sendGroup = async (group: readonly Waiting[]): Promise<void> => {
    const sends: { waiting: Waiting; routed: RoutedRecords }[] = [];
    for (const send of group) {
      try {
        await learnTopics(client, new Set(send.records.map((record) => record.topic)));
        sends.push({ waiting: send, routed: routeRecords(client, send.records, next) });
      } catch (error) {
        send.reject(asMillrace(error));
      }
    }
    const merged = mergeRouted(sends.map(({ routed }) => routed));
    let outcomes: readonly AppendOutcome[];
    try {
      outcomes = await (await currentAppender()).append(merged.appends);
    } catch (error) {
      for (const { waiting: send } of sends) send.reject(asMillrace(error));
      return;
    }
    sends.forEach(({ waiting: send }, i) =>
      settle(send, merged.places[i] ?? [], { appends: merged.appends, outcomes }),
    );
  };

  const drain = async (): Promise<void> => {
    for (let group = takeGroup(waiting); group.length > 0; group = takeGroup(waiting)) await sendGroup(group);
    draining = null;
  };

  return {
    async send(records) {
      if (closed)
        throw new MillraceError('MR_KAFKA_PRODUCE_FAILED', 'the producer is closed', { retryable: false });
      if (records.length === 0) return [];
      const sent = new Promise<readonly TopicPartitionOffset[]>((resolve, reject) => {
        waiting.push({ records, resolve, reject });
      });
      draining ??= drain();
      return sent;
    },
    async close() {
      closed = true;
      await draining;
      client.close();
    },
  };
}

function takeGroup(waiting: Waiting[]): Waiting[] {
  let count = 0;
  let records = 0;
  for (; count < waiting.length && (count === 0 || records < MAX_COALESCED_RECORDS); count++)
    records += waiting[count]?.records.length ?? 0;
  return waiting.splice(0, count);
}

/** Joins the partitions of several sends; the order of the sends is kept within each partition. */
function mergeRouted(all: readonly RoutedRecords[]): {
  readonly appends: RoutedRecords['appends'];
  readonly places: readonly RoutedRecords['places'][];
} {
  const [only] = all;
  if (all.length === 1 && only !== undefined) return { appends: only.appends, places: [only.places] };
  const merged = new Map<
    string,
    {
      index: number;
      append: {
        topic: string;
        partition: number;
        records: RoutedRecords['appends'][number]['records'][number][];
      };
    }
  >();
  const places = all.map((routed) => {
    const moves = routed.appends.map(({ topic, partition, records }) => {
      const key = `${topic}/${partition}`;
      const into = merged.get(key) ?? { index: merged.size, append: { topic, partition, records: [] } };
      merged.set(key, into);
      const shift = into.append.records.length;
      for (const record of records) into.append.records.push(record);
      return { append: into.index, shift };
    });
    return routed.places.map((place) => {
      const move = moves[place.append];
      return { append: move?.append ?? 0, index: place.index + (move?.shift ?? 0) };
    });
  });
  return { appends: [...merged.values()].map(({ append }) => append), places };
}

/** Answers one send: with the offset of each record, or with the first failure among its partitions. */
function settle(
  send: Waiting,
  places: RoutedRecords['places'],
  done: { readonly appends: RoutedRecords['appends']; readonly outcomes: readonly AppendOutcome[] },
): void {
  const offsets: TopicPartitionOffset[] = [];
  for (const place of places) {
    const append = done.appends[place.append];
    const outcome = done.outcomes[place.append];
    const offset = outcome !== undefined && 'offsets' in outcome ? outcome.offsets[place.index] : undefined;
    if (append === undefined || offset === undefined) {
      const error = outcome !== undefined && 'error' in outcome ? outcome.error : undefined;
      send.reject(error ?? new MillraceError('MR_KAFKA_PRODUCE_FAILED', 'a record was not acknowledged'));
      return;
    }
    offsets.push({ topic: append.topic, partition: append.partition, offset });
  }
  send.resolve(offsets);
}

async function initProducerId(client: ClusterClient): Promise<{ producerId: number; producerEpoch: number }> {
  return untilDone(
    async () => {
      const answer = await client.call('any', INIT_PRODUCER_ID, {
        transactionalId: null,
        transactionTimeoutMs: 0,
      });
      if (answer.errorCode === NONE) return { done: answer };
      return {
        again: brokerError(answer.errorCode, 'give a producer id', { code: 'MR_KAFKA_PRODUCE_FAILED' }),
      };
    },
    { scheduler: client.scheduler, deadlineMs: INIT_DEADLINE_MS },
  );
}

function asMillrace(error: unknown): MillraceError {
  return error instanceof MillraceError
    ? error
    : new MillraceError('MR_INTERNAL', 'the producer failed', { cause: error });
}
