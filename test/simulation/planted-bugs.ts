/**
 * Bugs that stream engines have had, planted one at a time around an engine that has none of them: in what a process
 * works with, never in its code. A simulation that does not find them would not find the next one either.
 */
import type { Kafka, ProduceRecord, Transaction, TransactionalProducer } from '../../platform/kafka/port.ts';
import type { ConnectBroker } from '../../platform/kafka/kafkajs/broker-connection.ts';
import { crc32c } from '../../platform/kafka/kafkajs/protocol/crc32c.ts';
import type { ProduceRequest } from '../../platform/kafka/kafkajs/protocol/data-api.ts';
import { readBatchHead } from '../../platform/kafka/simulated/batch-head.ts';
import type { ProcessParts, WorldOptions } from '../../processors/runtime/simulation/index.ts';
import type { Row } from '../../platform/clickhouse/port.ts';
import { deadLetterTopic } from '../../schemas/topics.ts';
import { VIEWS } from './proof-job.ts';

export interface PlantedBug {
  readonly name: string;
  readonly alter?: WorldOptions['alter'];
  /** Between the client and the brokers. */
  readonly alterConnect?: (connect: ConnectBroker) => ConnectBroker;
}

type Alter = NonNullable<WorldOptions['alter']>;

/** A Kafka port with some of its parts exchanged. */
function withKafka(parts: ProcessParts, changes: Partial<Kafka>): ProcessParts {
  const { kafka } = parts;
  return { ...parts, kafka: { ...kafka, ...changes } };
}

function withProducer(
  parts: ProcessParts,
  change: (producer: TransactionalProducer) => TransactionalProducer,
): ProcessParts {
  return withKafka(parts, { transactionalProducer: (id) => change(parts.kafka.transactionalProducer(id)) });
}

/** What a restart finds in the changelog, changed on its way. */
function withChangelog(
  parts: ProcessParts,
  change: (key: string, value: Buffer) => Buffer | undefined,
): ProcessParts {
  const { kafka } = parts;
  return withKafka(parts, {
    readToEnd: async function* (source) {
      for await (const batch of kafka.readToEnd(source)) {
        const records = batch.records.flatMap((record) => {
          const key = record.key?.toString('latin1') ?? '';
          if (record.value === null) return [record];
          const value = change(key, record.value);
          return value === undefined ? [] : [{ ...record, value }];
        });
        yield { ...batch, records };
      }
    },
  });
}

/** The transaction goes first, the rows follow; a crash in between loses them. */
const commitBeforeSink: Alter = (parts, host) => {
  const { rows } = parts;
  let waiting: (readonly [string, readonly Row[]])[] = [];
  const flushLater = (): void => {
    const taken = waiting;
    waiting = [];
    host.after(300, () => {
      for (const [table, of] of taken) rows.add(table, of);
      void rows.flush();
    });
  };
  return {
    ...parts,
    rows: {
      add: (table, of) => void waiting.push([table, of]),
      flush: () => {
        flushLater();
        return Promise.resolve([]);
      },
    },
  };
};

/** State and positions are read while an older holder may still commit. */
const fenceAfterOffsets: Alter = (parts, host) => {
  const fences: (() => Promise<void>)[] = [];
  const admin = parts.kafka.admin;
  const altered = withProducer(parts, (producer) => {
    let fencing: Promise<void> | undefined;
    const fence = (): Promise<void> => (fencing ??= producer.init());
    return {
      ...producer,
      init: () => {
        fences.push(fence);
        return Promise.resolve();
      },
      commit: async (transaction) => {
        await fence();
        await producer.commit(transaction);
      },
    };
  });
  return withKafka(altered, {
    admin: {
      ...admin,
      committed: async (groupId, topic) => {
        const found = await admin.committed(groupId, topic);
        await host.sleep(400); // as a long restore would
        return found;
      },
    },
  });
};

/** Dead letters go out on their own, and nobody looks at what became of them. */
const swallowedDeadLetter: Alter = (parts) => {
  const plain = parts.kafka.producer();
  return withProducer(parts, (producer) => ({
    ...producer,
    commit: async (transaction) => {
      const [letters, others] = split(transaction, ({ topic }) => topic === deadLetterTopic(VIEWS));
      void plain.send(letters).catch(() => undefined);
      await producer.commit({ ...transaction, records: others });
    },
  }));
};

/** Every process has a transactional id of its own for the same task. */
const staleWriterNotFenced: Alter = (parts, host) => {
  const own = Math.floor(host.random() * 1e9);
  const { kafka } = parts;
  return withKafka(parts, {
    transactionalProducer: (id) =>
      kafka.transactionalProducer({ ...id, transactionalId: `${id.transactionalId}|${own}` }),
  });
};

const timerLostOnRestore: Alter = (parts) =>
  withChangelog(parts, (key, value) => (key.startsWith('due/') ? undefined : value));

const watermarkNotRestored: Alter = (parts) =>
  withChangelog(parts, (key, value) => {
    if (key !== 'meta') return value;
    const meta = JSON.parse(value.toString()) as Record<string, unknown>;
    return Buffer.from(JSON.stringify({ ...meta, watermarkMs: null, scopes: {}, events: {}, upstream: {} }));
  });

/** Ids are remembered as soon as they are seen, whatever becomes of the transaction. */
const duplicateFilterOutside: Alter = (parts) => {
  const plain = parts.kafka.producer();
  return withProducer(parts, (producer) => ({
    ...producer,
    commit: async (transaction) => {
      const [ids, others] = split(
        transaction,
        ({ key }) => key?.toString().startsWith('duplicates/') === true,
      );
      if (ids.length > 0) await plain.send(ids);
      await producer.commit({ ...transaction, records: others });
    },
  }));
};

function split(
  { records }: Transaction,
  isFirst: (record: ProduceRecord) => boolean,
): readonly [first: readonly ProduceRecord[], others: readonly ProduceRecord[]] {
  return [records.filter(isFirst), records.filter((record) => !isFirst(record))];
}

/** After an answer that was lost, the same records go out under the next sequence: the broker takes them for new ones. */
const lostSequence = (connect: ConnectBroker): ConnectBroker => {
  /** Sequences that were used up, by producer and partition. */
  const skipped = new Map<string, number>();
  return async (...where) => {
    const connection = await connect(...where);
    return {
      ...{ isAlive: () => connection.isAlive(), destroy: () => connection.destroy() },
      call: async (api, request, timeoutMs) => {
        if (api.name !== 'Produce') return connection.call(api, request, timeoutMs);
        const produce = request as ProduceRequest;
        const batches = produce.batches.map((batch) => {
          const bytes = movedSequence(batch.bytes, skipped.get(sequenceOf(batch)) ?? 0);
          return { ...batch, bytes };
        });
        try {
          return await connection.call(api, { ...produce, batches } as typeof request, timeoutMs);
        } catch (error) {
          for (const batch of produce.batches) {
            const key = sequenceOf(batch);
            skipped.set(key, (skipped.get(key) ?? 0) + (readBatchHead(batch.bytes)?.count ?? 0));
          }
          throw error;
        }
      },
    };
  };
};

function sequenceOf({ topic, partition, bytes }: ProduceRequest['batches'][number]): string {
  const head = readBatchHead(bytes);
  return [topic, partition, head?.producerId, head?.producerEpoch].join('/');
}

function movedSequence(bytes: Buffer, by: number): Buffer {
  const moved = Buffer.from(bytes);
  moved.writeInt32BE(moved.readInt32BE(53) + by, 53);
  moved.writeUInt32BE(crc32c(moved, 21), 17);
  return moved;
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  { name: 'commit before sink', alter: commitBeforeSink },
  { name: 'fence after offsets', alter: fenceAfterOffsets },
  { name: 'lost sequence', alterConnect: lostSequence },
  { name: 'swallowed dead letter', alter: swallowedDeadLetter },
  { name: 'stale writer not fenced', alter: staleWriterNotFenced },
  { name: 'timer lost on restore', alter: timerLostOnRestore },
  { name: 'watermark not restored', alter: watermarkNotRestored },
  { name: 'duplicate filter outside the transaction', alter: duplicateFilterOutside },
];
