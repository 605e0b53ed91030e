import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { openReservedFile } from './reserved-file.ts';

const MIB = 1024 * 1024;

async function open(content: string) {
  const path = join(await temporaryDir(), 'file');
  writeFileSync(path, content);
  const file = openReservedFile(path);
  onTestFinished(() => file.close());
  return { path, file };
}

describe('a reserved file', () => {
  it('grows by zeros in whole steps, never shrinks, and keeps what it holds', async () => {
    const { path, file } = await open('content');
    expect(file.bytes).toBe(7);
    file.reserve(8);
    expect([file.bytes, statSync(path).size]).toEqual([MIB, MIB]);
    file.reserve(MIB);
    file.reserve(1);
    expect(file.bytes).toBe(MIB);
    file.reserve(3 * MIB - 1);
    const bytes = readFileSync(path);
    expect(bytes.toString('utf8', 0, 7)).toBe('content');
    expect(bytes.subarray(7).equals(Buffer.alloc(3 * MIB - 7))).toBe(true);
  });

  it('has its blocks on the disk, where a file with holes would not', async () => {
    const { path, file } = await open('');
    file.reserve(2 * MIB);
    expect(statSync(path).blocks * 512).toBeGreaterThanOrEqual(2 * MIB);
  });

  it('leaves alone what somebody else wrote behind its end', async () => {
    const { path, file } = await open('');
    file.reserve(MIB);
    appendFileSync(path, 'theirs');
    file.reserve(MIB + 1);
    expect(readFileSync(path).toString('utf8', MIB, MIB + 6)).toBe('theirs');
    expect(file.bytes).toBe(2 * MIB);
  });
});
