import { MillraceError } from '../../../platform/errors.ts';
import type { OnlineStore, StoredRecord, VersionedWrite } from '../../../platform/online-store/port.ts';
import { isCheckpointKey } from '../../../schemas/keys.ts';

/**
 * The online store of a second run: whatever is written is forgotten, but for the checkpoints of its tasks, which would
 * write everything again without them.
 */
export function discardingStore(): OnlineStore {
  const checkpoints = new Map<string, VersionedWrite>();
  const write = (writes: readonly VersionedWrite[]) => {
    for (const one of writes) if (isCheckpointKey(one.key)) checkpoints.set(one.key, one);
    return Promise.resolve(writes.map(() => true));
  };
  const recordOf = (key: string): StoredRecord | null => {
    const found = checkpoints.get(key);
    if (found === undefined) return null;
    const { version, owner = null, value } = found;
    return { key, version, owner, value, isDeleted: value === null };
  };
  return {
    kind: 'lmdb',
    setIfNewer: write,
    setIfVersion: write,
    readMany: (keys) => Promise.resolve(keys.map((key) => recordOf(key)?.value ?? null)),
    readRecords: (keys) => Promise.resolve(keys.map(recordOf)),
    async *scan() {
      yield await Promise.resolve([...checkpoints.keys()].flatMap((key) => recordOf(key) ?? []));
    },
    delete: (keys) => {
      for (const key of keys) checkpoints.delete(key);
      return Promise.resolve();
    },
    publish: () => Promise.resolve(),
    ping: () => Promise.resolve(),
    close: () => Promise.resolve(),
    ...{ setIfAbsent: unused, setManyIfAbsent: unused, renewLease: unused, releaseLease: unused },
    ...{ subscribe: unused, info: unused },
  };
}

/** Tasks do not ask for it. */
function unused(): Promise<never> {
  return Promise.reject(
    new MillraceError('MR_ONLINE_STORE_FAILED', 'a second run has no online store to ask for that'),
  );
}
