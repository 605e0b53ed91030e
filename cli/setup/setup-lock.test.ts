import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { isAlive, withSetupLock } from './setup-lock.mjs';

const silent = () => undefined;

it('holds the lock during the work and lets go after it, also when it fails', async () => {
  const dir = await temporaryDir();
  const file = join(dir, 'setup.lock');
  const holder = await withSetupLock(dir, silent, () => readFile(file, 'utf8'));
  expect(holder).toBe(String(process.pid));
  expect(existsSync(file)).toBe(false);
  const failing = () => {
    throw new Error('no');
  };
  await expect(withSetupLock(dir, silent, failing)).rejects.toThrow('no');
  expect(existsSync(file)).toBe(false);
});

it('takes the lock over from a process that has ended', async () => {
  const dir = await temporaryDir();
  await writeFile(join(dir, 'setup.lock'), String(2 ** 30));
  expect(isAlive(2 ** 30)).toBe(false);
  await expect(withSetupLock(dir, silent, () => 'mine')).resolves.toBe('mine');
});

it('lets one work at a time', async () => {
  const dir = await temporaryDir();
  const order: string[] = [];
  const told: string[] = [];
  let release = silent;
  const first = withSetupLock(dir, silent, async () => {
    await new Promise<undefined>((resolve) => {
      release = () => {
        resolve(undefined);
        return undefined;
      };
    });
    order.push('first');
  });
  const second = withSetupLock(
    dir,
    (line) => {
      told.push(line);
      release();
    },
    () => order.push('second'),
  );
  await Promise.all([first, second]);
  expect(order).toEqual(['first', 'second']);
  expect(told).toEqual([`waiting for process ${process.pid}, which installs or builds in this checkout`]);
});
