import { chmod, lstat, mkdir, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { completePrograms, programCopy } from './postgres-programs.ts';

/** What npm unpacks where install scripts are off: no links, perhaps no right to run. */
async function unpacked(links: string): Promise<string> {
  const native = join(await temporaryDir(), 'native');
  for (const folder of ['bin', 'lib']) await mkdir(join(native, folder), { recursive: true });
  for (const file of ['bin/postgres', 'bin/initdb', 'lib/libx.so.1.2'])
    await writeFile(join(native, file), '');
  await chmod(join(native, 'bin', 'initdb'), 0o644);
  await writeFile(join(native, 'pg-symlinks.json'), links);
  return native;
}

it('makes the links and rights that the install script of the package would have made, once', async () => {
  const native = await unpacked('[{"source":"native/lib/libx.so.1.2","target":"native/lib/libx.so.1"}]');
  await completePrograms(native);
  await completePrograms(native);
  const link = join(native, 'lib', 'libx.so.1');
  expect((await lstat(link)).isSymbolicLink()).toBe(true);
  expect(await readlink(link)).toBe('libx.so.1.2');
  expect((await stat(join(native, 'bin', 'initdb'))).mode & 0o111).toBe(0o111);
});

it('says what to do where the package is broken', async () => {
  const native = await unpacked('[{"source":"native/gone/a","target":"native/gone/b"}]');
  await expect(completePrograms(native)).rejects.toMatchObject({
    code: 'MR_STACK_POSTGRES_MISSING',
    message: expect.stringContaining('npm rebuild') as string,
  });
  await expect(completePrograms(join(native, 'elsewhere'))).rejects.toMatchObject({
    code: 'MR_STACK_POSTGRES_MISSING',
  });
});

it('has a place of its own for the copy of each server', async () => {
  expect(programCopy('/a')).not.toBe(programCopy('/b'));
  expect(programCopy('/a')).toBe(programCopy('/a/x/..'));
});
