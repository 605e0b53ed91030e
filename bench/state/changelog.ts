import type { Kafka } from '../../platform/kafka/port.ts';
import { TaskState } from '../../processors/runtime/state/task-state.ts';
import type { KeyedStore } from '../../processors/runtime/state/keyed-store.ts';
import { visitOf, visitorKey, type Visit } from './visits.ts';

/** Entries of one commit. */
const COMMIT = 5_000;
const MAX_MESSAGE_BYTES = String(16 * 1024 * 1024);

/** The task of the benchmark: one keyed store. */
export function visitState(options: Partial<ConstructorParameters<typeof TaskState>[0]> = {}): {
  readonly state: TaskState;
  readonly visits: KeyedStore<Visit>;
} {
  const state = new TaskState({ taskId: 'visits-0', ...options });
  return { state, visits: state.store<Visit>('visits') };
}

/** Writes the changelog of a task with so many keys, each once, as its commits would. */
export async function fillChangelog(kafka: Kafka, topic: string, keys: number): Promise<void> {
  const config = { 'cleanup.policy': 'compact', 'max.message.bytes': MAX_MESSAGE_BYTES };
  await kafka.admin.ensureTopics([{ topic, partitions: 1, config }]);
  const producer = kafka.transactionalProducer({ transactionalId: `${topic}|fill`, groupId: topic });
  await producer.init();
  const place = { topic, partition: 0 };
  const { state, visits } = visitState();
  for (let n = 0; n < keys; ) {
    for (const until = Math.min(keys, n + COMMIT); n < until; n++) visits.set(visitorKey(n), visitOf(n));
    const meta = { ...state.meta, watermarkMs: n };
    await producer.commit({ records: state.takeChanges(place, meta, n), offsets: [] });
  }
  await producer.close();
}
