import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { hasCode } from '../../../platform/errors.ts';
import { openSpill } from '../../../platform/spill/index.ts';
import { skipOrFail } from '../../../test/harness/require-service.ts';
import { makeSmallDisk } from '../../../test/harness/small-disk.ts';
import { KeyedStore, type StoreOptions } from './keyed-store.ts';
import { taskTime } from './store-environment.ts';
import { UndoLog } from './undo-log.ts';

const KEYS = 3000;
const disk = await makeSmallDisk(8);
const small = skipOrFail(disk.missing, {});

afterAll(() => disk.remove());
afterEach(() => disk.makeRoom());

async function spillingStore(options: StoreOptions<string>) {
  const spill = await openSpill({ path: join(disk.path, 'spill') });
  onTestFinished(() => spill.close());
  const time = taskTime();
  const env = { taskId: 'job-0', time, undo: new UndoLog(), spillMap: (name: string) => spill.map(name) };
  return { store: new KeyedStore<string>('s', options, env), time };
}

/** Whether the disk refused the call; what else is thrown is a fault. */
function isRefused(call: () => unknown): boolean {
  try {
    call();
    return false;
  } catch (error) {
    if (!hasCode(error, 'MR_SPILL_FULL')) throw error;
    return true;
  }
}

const below = (n: number) => Math.floor(Math.random() * n);

describe.skipIf(small.isMissing)(small.title('a store whose disk is full'), () => {
  // A store may go on after another one's task, which shares the memory with it, has met the full disk.
  test.each([
    ['in no order', {}],
    ['in the order of its writes', { maxEntries: 10 * KEYS }],
    ['with a time to live', { ttlMs: 1e12 }],
  ])('keeps its entries, %s', async (_, options) => {
    const { store, time } = await spillingStore(options);
    const truth = new Map<string, string>();
    let refused = 0;
    let moved = 0;
    for (let step = 0; step < 2500; step++) {
      time.eventTimeMs = step;
      if (step % 200 === 0) disk.makeRoom();
      if (step % 200 === 100) disk.leave(below(300_000));
      for (let n = 0; n < 5; n++) {
        const key = `k${below(KEYS)}`;
        const kind = Math.random();
        if (kind < 0.5) {
          const value = `${step} `.padEnd(below(4000), '.');
          store.set(key, value);
          truth.set(key, value);
        } else if (kind < 0.6) {
          store.delete(key);
          truth.delete(key);
        } else if (store.get(key) !== truth.get(key)) expect.fail(`${key} is wrong at step ${step}`);
      }
      if (step % 4 === 0 && isRefused(() => store.takeChanges())) refused += 1;
      const before = store.spilled;
      if (step % 10 === 0 && isRefused(() => store.evict(below(store.bytes)))) refused += 1;
      if (store.spilled > before) moved += 1;
    }
    expect(refused).toBeGreaterThan(20);
    expect(moved).toBeGreaterThan(20);
    const entries = [...store.entries()];
    expect([store.size, entries.length]).toEqual([truth.size, truth.size]);
    expect(new Map(entries)).toEqual(truth);
  });
});
