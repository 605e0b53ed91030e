import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { isBuilt, listSources } from './build.mjs';

async function project(): Promise<string> {
  const root = await temporaryDir();
  await mkdir(join(root, 'cli', 'deep'), { recursive: true });
  await mkdir(join(root, 'dist'));
  await writeFile(
    join(root, 'tsconfig.json'),
    JSON.stringify({ include: ['cli', 'absent', 'vitest.config.ts'] }),
  );
  for (const file of ['tsconfig.build.json', 'package-lock.json', 'vitest.config.ts'])
    await writeFile(join(root, file), '{}');
  for (const file of ['main.ts', 'main.test.ts', 'deep/a.ts', 'deep/data.json', 'deep/README.md'])
    await writeFile(join(root, 'cli', file), '');
  return root;
}

async function stamp(root: string): Promise<void> {
  const content = { startedMs: Date.now() + 60_000, sources: listSources(root) };
  await writeFile(join(root, 'dist', '.build.json'), JSON.stringify(content));
}

describe('the check whether to compile', () => {
  it('reads sources in the folders of tsconfig.json, without tests', async () => {
    expect(listSources(await project())).toEqual(['cli/deep/a.ts', 'cli/deep/data.json', 'cli/main.ts']);
  });

  it('asks for a first build, and for none after it', async () => {
    const root = await project();
    expect(isBuilt(root)).toBe(false);
    await stamp(root);
    expect(isBuilt(root)).toBe(true);
  });

  it.each([
    ['a source that was changed', (root: string) => touchLater(join(root, 'cli', 'deep', 'a.ts'))],
    ['a source that was added', (root: string) => writeFile(join(root, 'cli', 'b.ts'), '')],
    ['a source that was removed', (root: string) => rm(join(root, 'cli', 'main.ts'))],
    ['settings that were changed', (root: string) => touchLater(join(root, 'tsconfig.build.json'))],
  ])('asks for a build after %s', async (_name, change) => {
    const root = await project();
    await stamp(root);
    await change(root);
    expect(isBuilt(root)).toBe(false);
  });

  it('does not mind a test that was changed', async () => {
    const root = await project();
    await stamp(root);
    await touchLater(join(root, 'cli', 'main.test.ts'));
    expect(isBuilt(root)).toBe(true);
  });
});

function touchLater(file: string): Promise<void> {
  const later = new Date(Date.now() + 120_000);
  return utimes(file, later, later);
}
