import type { OnlineStore, StoredRecord } from '../../../platform/online-store/port.ts';
import { checkpointKey, isCheckpointKey, TTL_MS } from '../../../schemas/keys.ts';
import { encodeCheckpoint } from '../online/checkpoint.ts';
import { chunks } from './chunks.ts';
import type { ExpectedKey, ExpectedTask } from './expected-online.ts';

export interface RebuildOnlineOptions {
  readonly now: () => number;
  /** Whether `expected` is of all tasks: then keys of nobody are deleted too. */
  readonly isWhole: boolean;
  /** Asked before each task and at the end; throws where the application runs. */
  readonly requireStopped: () => Promise<void>;
  readonly onTask?: (task: string) => void;
}

export interface RebuildOnlineReport {
  readonly tasks: number;
  /** Keys that the state stands behind and that have not expired. */
  readonly keys: number;
  /** Keys that were not there, or not as the state says. */
  readonly written: number;
  /** Keys that the state does not stand behind. */
  readonly deleted: number;
}

const AT_ONCE = 500;

/**
 * Makes the online store what the state of an application that does not run says: keys that are missing or differ are
 * written, those that nothing stands behind deleted. What is right is left alone, so that it can be cut off at any point and
 * run again. The checkpoints are taken away first: a start in between writes everything again by itself.
 */
export async function rebuildOnline(
  store: OnlineStore,
  expected: AsyncIterable<ExpectedTask>,
  { now, isWhole, requireStopped, onTask }: RebuildOnlineOptions,
): Promise<RebuildOnlineReport> {
  const versions = new Map<string, number>();
  const right = new Set<string>();
  let written = 0;
  for await (const task of expected) {
    await requireStopped();
    onTask?.(task.task);
    versions.set(task.task, task.onlineVersion);
    await store.delete([checkpointKey(task.task)]);
    for (const keys of chunks(task.keys, AT_ONCE)) {
      const live = keys.filter(({ writtenMs, ttlMs }) => writtenMs + ttlMs > now());
      for (const { key } of live) right.add(key);
      written += await putRight(store, task, live, now());
    }
  }
  const deleted = await deleteOthers(store, (key, owner) => {
    if (isCheckpointKey(key)) return isWhole && !versions.has(owner ?? '');
    return !right.has(key) && (isWhole || versions.has(owner ?? ''));
  });
  await requireStopped();
  await store.setIfNewer(
    [...versions].map(([task, version]) => ({
      ...{ key: checkpointKey(task), owner: task, version, ttlMs: TTL_MS.checkpoint },
      value: encodeCheckpoint({ done: version, isOpen: false, sweepFrom: null }),
    })),
  );
  return { tasks: versions.size, keys: right.size, written, deleted };
}

async function putRight(
  store: OnlineStore,
  { task, onlineVersion }: ExpectedTask,
  keys: readonly ExpectedKey[],
  nowMs: number,
): Promise<number> {
  const records = await store.readRecords(keys.map(({ key }) => key));
  const isRight = (record: StoredRecord | null, value: string) =>
    record?.value === value && record.owner === task && record.version <= onlineVersion;
  const wrong = keys.filter(({ value }, index) => !isRight(records[index] ?? null, value));
  if (wrong.length === 0) return 0;
  // A version that a stranger has set must not win over those of the task.
  await store.delete(wrong.map(({ key }) => key));
  await store.setIfNewer(
    wrong.map(({ key, value, writtenMs, ttlMs }) => ({
      ...{ key, value, owner: task, version: onlineVersion },
      ttlMs: Math.max(1, Math.min(ttlMs, writtenMs + ttlMs - nowMs)),
    })),
  );
  return wrong.length;
}

async function deleteOthers(
  store: OnlineStore,
  isOther: (key: string, owner: string | null) => boolean,
): Promise<number> {
  const others = new Set<string>();
  for await (const heads of store.scan())
    for (const { key, owner, isDeleted } of heads) if (!isDeleted && isOther(key, owner)) others.add(key);
  for (const keys of chunks(others, AT_ONCE)) await store.delete(keys);
  return others.size;
}
