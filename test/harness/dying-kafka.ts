import type { Kafka } from '../../platform/kafka/port.ts';

/** A log whose user dies at its n-th transaction, before or after that is in the log. */
export function dyingAt(kafka: Kafka, commit: number, isWritten: boolean): Kafka {
  let commits = 0;
  return {
    ...kafka,
    ...{ kind: kafka.kind, admin: kafka.admin },
    readToEnd: (source) => kafka.readToEnd(source),
    transactionalProducer: (id) => {
      const producer = kafka.transactionalProducer(id);
      return {
        init: () => producer.init(),
        append: (records) => producer.append(records),
        refused: (records) => producer.refused(records),
        close: () => producer.close(),
        commit: async (transaction) => {
          commits += 1;
          if (commits !== commit) return producer.commit(transaction);
          if (isWritten) await producer.commit(transaction);
          throw new Error('killed');
        },
      };
    },
  };
}
