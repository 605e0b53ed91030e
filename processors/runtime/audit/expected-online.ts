import type { LogReader } from '../../../platform/kafka/log-reader.ts';
import type { TopicPartition } from '../../../platform/kafka/port.ts';
import { WriteTimesReader } from '../online/write-times.ts';
import type { WriteTimes } from '../online/online-views.ts';
import type { ChangelogSource } from '../state/changelog-reader.ts';
import { changelogPlace, probe, type Application } from '../state-tools/application.ts';
import { taskId } from '../task/task.ts';
import type { Subtopology } from '../topology.ts';

/** A key that the online store should hold. */
export interface ExpectedKey {
  readonly key: string;
  readonly value: string;
  /** When it was last written, epoch ms; its time to live counts from then. */
  readonly writtenMs: number;
  readonly ttlMs: number;
}

/** All keys of a task, as of one of its commits. */
export interface ExpectedTask {
  /** As the store has it for the owner of the keys. */
  readonly task: string;
  readonly taskEpoch: number;
  /** Version of the newest write that the commit stands for. */
  readonly onlineVersion: number;
  /** To be gone through before the next task is asked for. */
  readonly keys: Iterable<ExpectedKey>;
  /** Keys whose entry is over and not yet deleted: they may be there or not. Likewise. */
  readonly leaving: Iterable<string>;
}

/** A task that has keys in the online store, and how much is read to know them. */
export interface OnlineTask extends TopicPartition {
  readonly task: string;
  readonly subtopology: Subtopology;
  /** Offsets of its changelog; holes count. */
  readonly records: number;
}

/** The tasks of an application that have keys in the online store; none before its first start. */
export async function onlineTasks(log: LogReader, application: Application): Promise<readonly OnlineTask[]> {
  const seen = application.subtopologies.filter((subtopology) => !probe(subtopology, 0).online.isEmpty);
  const places = seen.map((subtopology) => ({
    subtopology,
    topic: changelogPlace(application, { subtopology: subtopology.name, partition: 0 }).topic,
  }));
  const offsets = await log.offsets(places.map(({ topic }) => topic));
  return places.flatMap(({ subtopology, topic }) =>
    (offsets.get(topic) ?? []).map(({ partition, start, end }) => ({
      ...{ task: taskId(subtopology.name, partition), subtopology, topic, partition, records: end - start },
    })),
  );
}

/**
 * What the online store should hold of each task, by the changelogs of the application, which may run meanwhile. The state
 * of one task at a time is in memory.
 * @throws MillraceError MR_STATE_INCOMPATIBLE, MR_STATE_REPLACING
 */
export async function* expectedOnline(
  log: LogReader,
  application: Application,
  isWanted: (task: string) => boolean = () => true,
): AsyncGenerator<ExpectedTask, undefined> {
  for (const { task, subtopology, topic, partition } of await onlineTasks(log, application)) {
    if (!isWanted(task)) continue;
    const { state, online } = probe(subtopology, partition);
    const times = new WriteTimesReader(online.stores);
    await state.restore(sourceOf(log, times), { topic, partition });
    state.ready();
    const { taskEpoch, onlineVersion } = state.meta;
    const keys = keysOf(online.keys(), times.times);
    yield { task, taskEpoch, onlineVersion, keys, leaving: online.leaving() };
    state.close();
  }
}

function* keysOf(
  keys: ReturnType<ReturnType<typeof probe>['online']['keys']>,
  times: WriteTimes,
): Generator<ExpectedKey, undefined> {
  for (const { key, value, ttlMs, store, storeKey } of keys) {
    const written = times.get(store);
    const writtenMs = storeKey === null ? newest(written) : (written?.get(storeKey) ?? 0);
    if (value !== null) yield { key, value, ttlMs, writtenMs };
  }
}

function newest(written: ReadonlyMap<string, number> | undefined): number {
  let ms = 0;
  for (const time of written?.values() ?? []) ms = Math.max(ms, time);
  return ms;
}

/** The log as a restore reads it, with the times of what it reads noted by the way. */
function sourceOf(log: LogReader, times: WriteTimesReader): ChangelogSource {
  return {
    async *readToEnd(source) {
      for await (const batch of log.readToEnd(source)) {
        times.take(batch.records);
        yield batch;
      }
    },
    admin: { offsets: async (topic) => [...((await log.offsets([topic])).get(topic) ?? [])] },
  };
}
