import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { withLock } from './lock.ts';

describe('withLock', () => {
  it('refuses a second holder once its patience is over, and lets go at the end', async () => {
    const dir = await temporaryDir();
    await withLock(dir, 0, async () => {
      const second = withLock(dir, -1, () => Promise.resolve());
      await expect(second).rejects.toMatchObject({ code: 'MR_STACK_BUSY' });
    });
    await expect(withLock(dir, -1, () => Promise.resolve('free'))).resolves.toBe('free');
  });

  it('lets go when the work fails', async () => {
    const dir = await temporaryDir();
    await expect(withLock(dir, 0, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(withLock(dir, -1, () => Promise.resolve('free'))).resolves.toBe('free');
  });

  it('takes over from a process that has ended, although its pid is in use again', async () => {
    const dir = await temporaryDir();
    await writeFile(join(dir, 'lock'), `${process.pid} another-boot/123`);
    const holder = await withLock(dir, -1, () => readFile(join(dir, 'lock'), 'utf8'));
    expect(holder).not.toContain('another-boot');
  });
});
