import type {
  GroupConsumer,
  GroupConsumerOptions,
  Kafka,
  RecordBatch,
  TransactionalId,
  TransactionalProducer,
} from '../../platform/kafka/port.ts';

/** What a worker tells while it works; times are epoch ms. */
export type Told =
  /** It lets go of its tasks: a rebalance has begun. */
  | { readonly kind: 'revoked'; readonly atMs: number }
  /** It has its partitions and begins to take them over. */
  | { readonly kind: 'assigned'; readonly atMs: number; readonly partitions: readonly number[] }
  /** It has taken them over, and reads. */
  | { readonly kind: 'ready'; readonly atMs: number }
  | {
      readonly kind: 'step';
      readonly step: Step;
      readonly partition: number;
      readonly fromMs: number;
      readonly toMs: number;
    }
  /** Committed up to the offset. */
  | { readonly kind: 'commit'; readonly partition: number; readonly offset: number; readonly atMs: number };

/** What a task does before it reads, in this order. */
export const STEPS = ['fence', 'restore', 'offsets', 'epoch'] as const;
export type Step = (typeof STEPS)[number];

interface Watch {
  readonly topic: string;
  readonly tell: (told: Told) => void;
}

/** The port as it is, with its calls told. */
export function watchedKafka(kafka: Kafka, watch: Watch): Kafka {
  const { topic, tell } = watch;
  return {
    ...kafka,
    admin: {
      ...kafka.admin,
      async committed(groupId, name) {
        const fromMs = Date.now();
        const places = await kafka.admin.committed(groupId, name);
        if (name === topic) tell({ kind: 'step', step: 'offsets', partition: -1, fromMs, toMs: Date.now() });
        return places;
      },
    },
    transactionalProducer: (id) => watchedProducer(kafka.transactionalProducer(id), id, watch),
    groupConsumer: (options) => watchedConsumer(kafka, options, watch),
    readToEnd: (source) => watchedRead(kafka, source, watch),
  };
}

function watchedProducer(
  producer: TransactionalProducer,
  { transactionalId }: TransactionalId,
  { topic, tell }: Watch,
): TransactionalProducer {
  const partition = Number(transactionalId.split('|').at(-1));
  return {
    async init() {
      const fromMs = Date.now();
      await producer.init();
      tell({ kind: 'step', step: 'fence', partition, fromMs, toMs: Date.now() });
    },
    async commit(transaction) {
      const fromMs = Date.now();
      await producer.commit(transaction);
      const moved = transaction.offsets.find((place) => place.topic === topic);
      if (moved === undefined) tell({ kind: 'step', step: 'epoch', partition, fromMs, toMs: Date.now() });
      else tell({ kind: 'commit', partition, offset: moved.offset, atMs: Date.now() });
    },
    append: (records) => producer.append(records),
    refused: (records) => producer.refused(records),
    close: () => producer.close(),
  };
}

function watchedConsumer(kafka: Kafka, options: GroupConsumerOptions, { topic, tell }: Watch): GroupConsumer {
  const consumer = kafka.groupConsumer(options);
  return {
    ...consumer,
    start: (hooks) =>
      consumer.start({
        async onAssigned(places) {
          const own = places.filter((place) => place.topic === topic);
          tell({ kind: 'assigned', atMs: Date.now(), partitions: own.map(({ partition }) => partition) });
          await hooks.onAssigned(places);
          tell({ kind: 'ready', atMs: Date.now() });
        },
        async onRevoked(places) {
          tell({ kind: 'revoked', atMs: Date.now() });
          await hooks.onRevoked(places);
        },
      }),
  };
}

async function* watchedRead(
  kafka: Kafka,
  source: Parameters<Kafka['readToEnd']>[0],
  { tell }: Watch,
): AsyncGenerator<RecordBatch> {
  const fromMs = Date.now();
  yield* kafka.readToEnd(source);
  tell({ kind: 'step', step: 'restore', partition: source.partition, fromMs, toMs: Date.now() });
}
