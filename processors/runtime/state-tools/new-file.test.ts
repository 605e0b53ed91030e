import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDir } from '../../../test/harness/temporary-dir.ts';
import { writeFault, writeNewFile } from './new-file.ts';

async function* parts(texts: readonly string[], fault?: Error): AsyncGenerator<string> {
  yield* texts;
  if (fault !== undefined) throw fault;
}

test('a file appears whole', async () => {
  const dir = await temporaryDir();
  const path = join(dir, 'out.jsonl');
  await writeNewFile(path, parts(['a\n', 'b\n'.repeat(500_000)]));
  expect((await readFile(path, 'utf8')).length).toBe(2 + 1_000_000);
  expect(await readdir(dir)).toEqual(['out.jsonl']);
});

test('what breaks off leaves what was there, and nothing beside it', async () => {
  const dir = await temporaryDir();
  const path = join(dir, 'out.jsonl');
  await writeFile(path, 'before');
  await expect(writeNewFile(path, parts(['half'], new Error('cut off')))).rejects.toThrow('cut off');
  expect(await readFile(path, 'utf8')).toBe('before');
  expect(await readdir(dir)).toEqual(['out.jsonl']);
});

test('says what is wrong with the place', async () => {
  const dir = await temporaryDir();
  await mkdir(join(dir, 'taken'));
  await expect(writeNewFile(join(dir, 'none', 'out'), parts([]))).rejects.toMatchObject({
    code: 'MR_FOLDER_UNUSABLE',
    message: `${join(dir, 'none')}: there is no such folder`,
  });
  await expect(writeNewFile(join(dir, 'taken'), parts([]))).rejects.toMatchObject({
    code: 'MR_FOLDER_UNUSABLE',
  });
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  expect(writeFault(full, '/data/out')).toMatchObject({ code: 'MR_DISK_TOO_SMALL' });
  const bug = new Error('a bug');
  expect(writeFault(bug, '/data/out')).toBe(bug);
});
