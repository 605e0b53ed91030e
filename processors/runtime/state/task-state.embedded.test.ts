import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openEmbeddedLog } from '../../../platform/kafka/embedded/index.ts';
import { silentLogger } from '../../../platform/log.ts';
import { openSpill } from '../../../platform/spill/index.ts';
import { makeTemporaryDir } from '../../../test/harness/temporary-dir.ts';
import { NO_TIME } from './state-harness.contract.ts';
import { StateMemory } from './state-memory.ts';
import { TaskState } from './task-state.ts';

const ENTRIES = 150_000;
const COMMIT = 15_000;
const MIB = 1024 * 1024;
const CHANGELOG = { topic: 'job-changelog', partition: 0 };
const folder = await makeTemporaryDir();

afterAll(() => folder.remove());

test('state that is many times its memory is written, restored, read, changed and restored again', async () => {
  const kafka = await openEmbeddedLog({ dir: join(folder.path, 'log'), log: silentLogger(), fsync: false });
  const spill = await openSpill({ path: join(folder.path, 'spill') });
  await kafka.admin.ensureTopics([
    { topic: CHANGELOG.topic, partitions: 1, config: { 'cleanup.policy': 'compact' } },
  ]);
  const producer = kafka.transactionalProducer({ transactionalId: 'job|0', groupId: 'job' });
  await producer.init();
  const memory = new StateMemory({ limitBytes: 4 * MIB, spill });
  const start = async () => {
    const state = new TaskState({ taskId: 'job-0', memory });
    const store = state.store<{ n: number; key: string }>('visitors', { ttlMs: 10 * ENTRIES });
    await state.restore(kafka, CHANGELOG);
    state.ready();
    return { state, store };
  };
  const commit = async (state: TaskState) => {
    const records = state.takeChanges(CHANGELOG, NO_TIME, 1_000);
    await producer.commit({ records, offsets: [] });
    expect(memory.usedBytes).toBeLessThanOrEqual(memory.limitBytes);
  };
  const keyOf = (n: number) => `visitor-${n.toString(36)}`;

  const first = await start();
  for (let n = 0; n < ENTRIES; n++) {
    first.state.setRecordTime(n);
    first.store.set(keyOf(n), { n, key: keyOf(n) });
    if (n % COMMIT === COMMIT - 1) await commit(first.state);
  }
  expect([first.store.size, first.store.spilled > ENTRIES * 0.7]).toEqual([ENTRIES, true]);
  first.state.close();

  const second = await start();
  expect(second.store.size).toBe(ENTRIES);
  let expected = 0;
  for (let n = 0; n < ENTRIES; n += 7) {
    const value = second.store.get(keyOf(n));
    if (value?.n !== n) throw new Error(`entry ${n} is not what was written`);
    if (n % 2 === 0) second.store.delete(keyOf(n));
    else second.store.set(keyOf(n), { ...value, n: -n });
    expected += n % 2 === 0 ? 0 : 1;
    if (n % COMMIT === 0) await commit(second.state);
  }
  await commit(second.state);
  second.state.close();

  const third = await start();
  const negative = Array.from(third.store.entries()).filter(([, { n }]) => n < 0);
  expect(negative).toHaveLength(expected);
  expect(third.store.size).toBe(ENTRIES - (Math.ceil(ENTRIES / 7) - expected));
  third.state.close();
  expect(memory.usedBytes).toBe(0);
  await producer.close();
  await spill.close();
  await kafka.close();
});
