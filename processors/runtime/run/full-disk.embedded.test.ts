import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { openEmbeddedLog } from '../../../platform/kafka/embedded/index.ts';
import { silentLogger } from '../../../platform/log.ts';
import { openSpill } from '../../../platform/spill/index.ts';
import { changelogTopic } from '../../../schemas/topics.ts';
import { MemoryRowWriter } from '../../../test/harness/memory-sinks.ts';
import { readRows } from '../../../test/harness/file-row-writer.ts';
import { skipOrFail } from '../../../test/harness/require-service.ts';
import { makeSmallDisk } from '../../../test/harness/small-disk.ts';
import { temporaryDir } from '../../../test/harness/temporary-dir.ts';
import { VIEWS } from '../../../test/harness/view-job.ts';
import { DEVICES, STATE_BYTES, visitRunner, VISITS } from '../../../test/harness/visit-job.ts';
import { StateMemory } from '../state/state-memory.ts';

const CHILD = fileURLToPath(new URL('../../../test/harness/visit-job-child.ts', import.meta.url));
const MIB = 1024 * 1024;
const disk = await makeSmallDisk(32);
const small = skipOrFail(disk.missing, {});

afterAll(() => disk.remove());

/** Runs the visit job until so many visits are committed, or it fails. */
async function run(dir: string, visits: number) {
  const spillDir = join(disk.path, 'spill');
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, dir, spillDir, String(visits)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  const [stdout, stderr] = await said;
  expect(existsSync(join(spillDir, 'spill.mdb'))).toBe(false);
  return { code, signal, stderr, spillBytes: Number(stdout), spillDir };
}

/** What a job has made durable: positions, entries of changelogs, rows. Epochs and accounts of starts do not count. */
async function durable(dir: string) {
  const kafka = await openEmbeddedLog({ dir: join(dir, 'log'), log: silentLogger() });
  const positions = await kafka.admin.committed(VISITS, VIEWS);
  const entries = new Map<string, string>();
  for (const { partition } of await kafka.admin.offsets(changelogTopic('', VISITS))) {
    for await (const { records } of kafka.readToEnd({ topic: changelogTopic('', VISITS), partition })) {
      for (const { key, value } of records)
        if (key?.toString().startsWith('devices/') === true)
          entries.set(`${partition} ${key.toString()}`, String(value));
    }
  }
  await kafka.close();
  return { positions, entries, rows: await readRows(join(dir, 'rows.ndjson')) };
}

function expectFull({ code, signal, stderr, spillDir }: Awaited<ReturnType<typeof run>>): void {
  expect({ code, signal }, stderr).toEqual({ code: 1, signal: null });
  expect(stderr).toMatch(/^MR_SPILL_FULL: /);
  expect(stderr).toContain(spillDir);
  expect(stderr).toContain('make room, or raise MR_STATE_MEMORY_MB');
}

describe.skipIf(small.isMissing)(small.title('a disk that is full while state comes back'), () => {
  test('the start fails, nothing is committed, and with room every event counts once', {
    timeout: 180_000,
  }, async () => {
    const dir = await temporaryDir();
    const first = await run(dir, DEVICES);
    expect(first.code, first.stderr).toBe(0);
    expect(first.spillBytes).toBeGreaterThan(8 * MIB);
    const before = await durable(dir);
    expect(before.entries.size).toBe(DEVICES);
    // From no room at all to room for half of the state.
    for (const left of [0, 2 * MIB, 5 * MIB]) {
      disk.leave(left);
      expectFull(await run(dir, 2 * DEVICES));
      disk.makeRoom();
      expect(await durable(dir)).toEqual(before);
    }
    const last = await run(dir, 2 * DEVICES);
    expect(last.code, last.stderr).toBe(0);
    expectEachOnce(await durable(dir));
  });

  test('a runner that is stopped after that has nothing open any more', {
    timeout: 120_000,
  }, async () => {
    const dir = await temporaryDir();
    const first = await run(dir, DEVICES);
    expect(first.code, first.stderr).toBe(0);
    disk.leave(3 * MIB);
    onTestFinished(() => disk.makeRoom());
    const kafka = await openEmbeddedLog({ dir: join(dir, 'log'), log: silentLogger() });
    const spill = await openSpill({ path: join(disk.path, 'spill') });
    const memory = new StateMemory({ limitBytes: STATE_BYTES, spill });
    const runner = visitRunner({ kafka, rows: new MemoryRowWriter(), memory });
    onTestFinished(async () => {
      await spill.close();
      await kafka.close();
    });
    const ended = runner.start().then(() => runner.done);
    await expect(ended).rejects.toMatchObject({ code: 'MR_SPILL_FULL' });
    await runner.stop();
    expect(memory.usedBytes).toBe(0);
    expect(runner.tasks).toEqual([]);
    await spill.close();
    await kafka.close();
    expect(memory.usedBytes).toBe(0);
  });

  test('it fills up under a job that runs: what was committed counts, and the rest is counted later', {
    timeout: 180_000,
  }, async () => {
    const dir = await temporaryDir();
    disk.leave(5 * MIB);
    expectFull(await run(dir, 2 * DEVICES));
    const { entries } = await durable(dir);
    expect(entries.size).toBeGreaterThan(DEVICES / 10);
    expect(entries.size).toBeLessThan(DEVICES);
    expectFull(await run(dir, 2 * DEVICES));
    disk.makeRoom();
    const last = await run(dir, 2 * DEVICES);
    expect(last.code, last.stderr).toBe(0);
    expectEachOnce(await durable(dir));
  });
});

/** Of each device the first and the second visit: as rows, by their places in the log, and in the state. */
function expectEachOnce({ rows, entries }: Awaited<ReturnType<typeof durable>>): void {
  const byPlace = new Map<string, string>();
  for (const { _partition, _offset, device, nth } of rows)
    byPlace.set(`${String(_partition)}/${String(_offset)}`, `${String(device)} ${String(nth)}`);
  const wanted = [1, 2].flatMap((nth) => Array.from({ length: DEVICES }, (_, n) => `device-${n} ${nth}`));
  expect([...byPlace.values()].sort()).toEqual(wanted.sort());
  const counts = [...entries.values()].map((value) => (JSON.parse(value) as { count: number }).count);
  expect(counts).toEqual(Array.from({ length: DEVICES }, () => 2));
}
