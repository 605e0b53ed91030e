import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { skipOrFail } from '../../../test/harness/require-service.ts';
import { hasCode } from '../../errors.ts';
import { silentLogger } from '../../log.ts';
import { readValues } from '../contract/harness.contract.ts';
import { makeTemporaryDir } from '../../../test/harness/temporary-dir.ts';
import { openEmbeddedLog } from './embedded-log.ts';
import { logBytes, Scratch, segmentFiles, sendValues } from './scratch-log.contract.ts';

const scratch = new Scratch();
const mount = await makeTemporaryDir();
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', mount.path]);
// Where nothing can be mounted, the limit on file sizes in low-space.embedded.test.ts stands in, in CI too.
const tmpfs = skipOrFail(mounted.status === 0 ? '' : 'this user cannot mount a tmpfs', {});

afterAll(async () => {
  if (mounted.status === 0) expect(spawnSync('umount', [mount.path]).status).toBe(0);
  await mount.remove();
});

describe.skipIf(tmpfs.isMissing)(tmpfs.title('a disk of 16 MB that fills up'), () => {
  const dir = join(mount.path, 'log');
  const ballast = join(mount.path, 'ballast');
  const topic = 't';

  it('refuses with a clear error, keeps what it acknowledged, and goes on when there is room', async () => {
    const options = { dir, log: silentLogger(), minFreeBytes: 0, segmentBytes: 2 * 1024 * 1024 };
    const kafka = await openEmbeddedLog(options);
    await kafka.admin.ensureTopics([{ topic, partitions: 1 }]);
    writeFileSync(ballast, Buffer.alloc(6 * 1024 * 1024));
    const acknowledged: string[] = [];
    const send = async () => {
      const value = `${acknowledged.length}`.padEnd(100_000, '.');
      await sendValues(kafka, { topic }, [value]);
      acknowledged.push(value);
    };
    const fill = async () => {
      for (let i = 0; i < 500; i++) {
        try {
          await send();
        } catch (error) {
          return error;
        }
      }
      return undefined;
    };
    const refusal = await fill();
    expect(hasCode(refusal, 'MR_KAFKA_PRODUCE_FAILED')).toBe(true);
    expect(refusal).toMatchObject({ retryable: true, cause: { code: 'ENOSPC' } });
    expect((refusal as Error).message).toContain('ENOSPC');
    expect(acknowledged.length).toBeGreaterThan(20);
    expect(await readValues(kafka, topic, 0)).toEqual(acknowledged);
    const before = acknowledged.length;
    rmSync(ballast);
    await send();
    await send();
    expect(await readValues(kafka, topic, 0)).toEqual(acknowledged);
    expect(acknowledged.length).toBe(before + 2);
    await fill();
    // A process that is killed on a full disk: nothing is closed in order.
    const copy = scratch.directory();
    for (const path of segmentFiles(dir)) spawnSync('cp', [path, copy]);
    const again = await scratch.open(copy);
    expect(await readValues(again, topic, 0)).toEqual(acknowledged);
    await kafka.close();
    const reopened = await openEmbeddedLog(options);
    expect(await readValues(reopened, topic, 0)).toEqual(acknowledged);
    await reopened.close();
  });

  it('frees the disk by retention though writes are refused', async () => {
    rmSync(dir, { recursive: true });
    let nowMs = 1_700_000_000_000;
    const kafka = await openEmbeddedLog({
      ...{ dir, log: silentLogger(), segmentBytes: 1024 * 1024, now: () => nowMs },
      ...{ minFreeBytes: 6 * 1024 * 1024, maintenanceIntervalMs: 20 },
    });
    await kafka.admin.ensureTopics([{ topic, partitions: 1, config: { 'retention.ms': '1000' } }]);
    const send = () =>
      sendValues(kafka, { topic }, ['x'.repeat(500_000)]).then(
        () => true,
        () => false,
      );
    let sent = 0;
    while (await send()) expect(++sent).toBeLessThan(100);
    nowMs += 2_000;
    await expect.poll(send, { timeout: 20_000, interval: 50 }).toBe(true);
    await kafka.close();
  });
});

describe('the folder of the log', () => {
  function folderBytes(dir: string): number {
    return readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .reduce((sum, path) => sum + (existsSync(path) ? statSync(path).size : 0), 0);
  }

  it('stays bounded under endless load, with idle partitions, offsets and updates', {
    timeout: 120_000,
  }, async () => {
    const dir = scratch.directory();
    const kafka = await scratch.open(dir, {
      ...{
        segmentBytes: 256 * 1024,
        compactionSlackBytes: 64 * 1024,
        maintenanceIntervalMs: 20,
      },
    });
    await kafka.admin.ensureTopics([
      { topic: 'events', partitions: 2, config: { 'retention.bytes': '500000' } },
      { topic: 'idle', partitions: 50 },
      { topic: 'state', partitions: 1, config: { 'cleanup.policy': 'compact' } },
    ]);
    await sendValues(kafka, { topic: 'idle', partition: 7 }, ['kept']);
    const producer = kafka.transactionalProducer({ transactionalId: 'x', groupId: 'g' });
    await producer.init();
    let written = 0;
    let largest = 0;
    for (let i = 0; i < 3_000; i++) {
      const value = Buffer.alloc(5_000, 'e');
      await producer.commit({
        records: [
          { topic: 'events', partition: i % 2, key: null, value },
          { topic: 'state', key: `k${i % 20}`, value: Buffer.alloc(1_000, 's') },
        ],
        offsets: [{ topic: 'idle', partition: i % 50, offset: i }],
      });
      written += 6_000;
      if (i % 50 === 49) largest = Math.max(largest, folderBytes(dir));
    }
    expect(written).toBeGreaterThan(17_000_000);
    expect(largest).toBeLessThan(6_000_000);
    await kafka.close();
    expect(folderBytes(dir)).toBeLessThan(2_000_000);
    expect(logBytes(dir)).toBeLessThan(2_000_000);
    const again = await scratch.open(dir);
    expect(await readValues(again, 'idle', 7)).toEqual(['kept']);
    console.info(`written ${written} bytes, folder at most ${largest}, after closing ${folderBytes(dir)}`);
  });
});
