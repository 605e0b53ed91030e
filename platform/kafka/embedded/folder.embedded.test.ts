import {
  readdirSync,
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { skipOrFail } from '../../../test/harness/require-service.ts';
import { repairLog } from './repair.ts';
import { Scratch, segmentFiles, sendValues } from './scratch-log.contract.ts';

const scratch = new Scratch();
const topic = 't';
const NOBODY = 65_534;

async function logWithRecords(segmentBytes: number, records: number): Promise<string> {
  const dir = scratch.directory();
  const kafka = await scratch.open(dir, { segmentBytes });
  await kafka.admin.ensureTopics([{ topic, partitions: 1 }]);
  for (let i = 0; i < records; i++) await sendValues(kafka, { topic }, [`${i}`.padEnd(1_000, '.')]);
  await kafka.close();
  return dir;
}

describe('a start', () => {
  it('reads nothing of the closed segments but their headers', async () => {
    const dir = await logWithRecords(16_384, 100);
    const closed = segmentFiles(dir).slice(0, -1);
    expect(closed.length).toBeGreaterThan(4);
    for (const path of closed) {
      const { size } = statSync(path);
      truncateSync(path, 32);
      // A hole of the old size: whoever reads a record there finds zeros.
      truncateSync(path, size);
    }
    const kafka = await scratch.open(dir);
    expect(await kafka.admin.offsets(topic)).toEqual([{ partition: 0, start: 0, end: 100 }]);
    expect(statSync(segmentFiles(dir).at(-1) ?? '').size).toBeLessThan(16_384);
  });
});

describe('a folder that cannot be used', () => {
  const root = skipOrFail(process.getuid?.() === 0 ? '' : 'only root can become another user', {});

  /** Root may do everything, so the effective user is nobody meanwhile. */
  async function asNobody<T>(work: () => Promise<T>): Promise<T> {
    process.seteuid?.(NOBODY);
    try {
      return await work();
    } finally {
      process.seteuid?.(0);
    }
  }

  it.skipIf(root.isMissing)(root.title('is named when this user has no right to it'), async () => {
    const dir = await logWithRecords(16_384, 3);
    chmodSync(dir, 0o700);
    const refusal = await asNobody(() => scratch.open(dir).catch((error: unknown) => error));
    expect(refusal).toMatchObject({ code: 'MR_FOLDER_UNUSABLE', retryable: false });
    expect(String(refusal)).toContain(dir);
    expect(String(refusal)).toContain('EACCES');
  });

  it.skipIf(root.isMissing)(
    root.title('is named when this user has no right to one of its files'),
    async () => {
      const dir = await logWithRecords(16_384, 40);
      for (const name of ['.', ...readdirSync(dir, { recursive: true, encoding: 'utf8' })])
        chownSync(join(dir, name), NOBODY, NOBODY);
      const path = segmentFiles(dir)[1] ?? '';
      chownSync(path, 0, 0);
      chmodSync(path, 0o600);
      for (const work of [() => scratch.open(dir), () => repairLog({ dir, dryRun: true, now: Date.now })]) {
        const refusal = await asNobody(() => work().catch((error: unknown) => error));
        expect(refusal).toMatchObject({ code: 'MR_FOLDER_UNUSABLE', context: { path } });
      }
    },
  );

  it('is named when it is a file, or a segment is a folder', async () => {
    const file = join(scratch.directory(), 'log');
    writeFileSync(file, '');
    await expect(scratch.open(file)).rejects.toMatchObject({ code: 'MR_FOLDER_UNUSABLE' });
    await expect(scratch.open(join(file, 'deeper'))).rejects.toMatchObject({ code: 'MR_FOLDER_UNUSABLE' });
    const dir = scratch.directory();
    mkdirSync(join(dir, '0000000000000001.log'));
    await expect(scratch.open(dir)).rejects.toMatchObject({ code: 'MR_FOLDER_UNUSABLE' });
  });

  it('is refused, also by a repair, when another version of the format is in it', async () => {
    const dir = await logWithRecords(16_384, 3);
    const path = segmentFiles(dir)[0] ?? '';
    const bytes = readFileSync(path);
    bytes.writeUInt32LE(9, 4);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28);
    writeFileSync(path, bytes);
    await expect(scratch.open(dir)).rejects.toMatchObject({ code: 'MR_LOG_FORMAT' });
    await expect(repairLog({ dir, dryRun: false, now: Date.now })).rejects.toMatchObject({
      code: 'MR_LOG_FORMAT',
    });
    expect(readFileSync(path)).toEqual(bytes);
  });
});
