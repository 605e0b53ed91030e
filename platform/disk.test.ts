import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { requireFreeDisk } from './disk.ts';

const withFree = (mb: number) => async () => ({ bavail: mb * 256, bsize: 4096 });

describe('requireFreeDisk', () => {
  it('takes exactly the space that is needed', async () => {
    await expect(requireFreeDisk('data', 100, withFree(100))).resolves.toBeUndefined();
  });

  it('refuses less, and says how much there is', async () => {
    await expect(requireFreeDisk('data', 100, withFree(99))).rejects.toMatchObject({
      code: 'MR_DISK_TOO_SMALL',
      message: '99 MB are free on the disk of data; 100 MB are needed',
      context: { dir: 'data', freeMb: 99, minFreeMb: 100 },
    });
  });

  it('asks for the nearest folder that exists', async () => {
    const asked: string[] = [];
    await requireFreeDisk('data/not/yet', 1, async (path) => {
      asked.push(path);
      if (path !== resolve('data')) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
      return { bavail: 1024, bsize: 4096 };
    });
    expect(asked).toEqual([resolve('data/not/yet'), resolve('data/not'), resolve('data')]);
  });

  it('lets other failures through', async () => {
    const denied = Object.assign(new Error('permission denied'), { code: 'EACCES' });
    await expect(requireFreeDisk('data', 1, () => Promise.reject(denied))).rejects.toBe(denied);
  });

  it('reads the real file system', async () => {
    await expect(requireFreeDisk(join(tmpdir(), 'not', 'there'), 0)).resolves.toBeUndefined();
    await expect(requireFreeDisk(tmpdir(), 2 ** 40)).rejects.toMatchObject({ code: 'MR_DISK_TOO_SMALL' });
  });
});
