import type { LogReader } from '../../../platform/kafka/log-reader.ts';
import { readWriteTimes } from '../online/write-times.ts';
import type { WriteTimes } from '../online/online-views.ts';
import type { ChangelogSource } from '../state/changelog-reader.ts';
import { changelogPlace, probe, type Application } from '../state-tools/application.ts';

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
  for (const subtopology of application.subtopologies) {
    if (probe(subtopology, 0).online.isEmpty) continue;
    const { topic } = changelogPlace(application, { subtopology: subtopology.name, partition: 0 });
    const partitions = (await log.offsets([topic])).get(topic) ?? [];
    for (const { partition } of partitions) {
      const task = `${subtopology.name}-${partition}`;
      if (!isWanted(task)) continue;
      const { state, online } = probe(subtopology, partition);
      const place = { topic, partition };
      await state.restore(sourceOf(log), place);
      state.ready();
      const times = await readWriteTimes(log, place, online.stores);
      const { taskEpoch, onlineVersion } = state.meta;
      yield { task, taskEpoch, onlineVersion, keys: keysOf(online.keys(), times) };
      state.close();
    }
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

function sourceOf(log: LogReader): ChangelogSource {
  return {
    readToEnd: (source) => log.readToEnd(source),
    admin: { offsets: async (topic) => [...((await log.offsets([topic])).get(topic) ?? [])] },
  };
}
