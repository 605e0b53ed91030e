import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { openSpill } from './index.ts';

const module = new URL('./index.ts', import.meta.url).href;

function nodeArguments(code: string, ...parameters: string[]): string[] {
  return ['--import', 'tsx', '--input-type=module', '-e', code, module, ...parameters];
}

/** Fills a spill, says so, and stays. */
const OWNER = `
  const { openSpill } = await import(process.argv[1]);
  const spill = await openSpill({ path: process.argv[2] });
  spill.map('m').putMany(Array.from({ length: 10000 }, (_, i) => ['k' + i, Buffer.alloc(100)]));
  console.log('filled');
  setInterval(() => undefined, 1000);
`;

describe('the folder of a spill', () => {
  it('belongs to one process, until that is gone, however it went; what it left is removed', async () => {
    const path = join(await temporaryDir(), 'spill');
    const owner = spawn(process.execPath, nodeArguments(OWNER, path), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(owner.stdout, 'data');
    await expect(openSpill({ path })).rejects.toMatchObject({
      code: 'MR_EMBEDDED_IN_USE',
      context: { ownerPid: owner.pid },
    });
    const gone = once(owner, 'close');
    owner.kill('SIGKILL');
    await gone;
    expect((await stat(join(path, 'spill.mdb'))).size).toBeGreaterThan(1_000_000);
    const spill = await openSpill({ path });
    expect([spill.map('m').size, spill.map('m').has('k1')]).toEqual([0, false]);
    expect((await stat(join(path, 'spill.mdb'))).size).toBe(spill.bytes);
    await spill.close();
    expect(await readdir(path)).toEqual(['lock']);
  });

  it('keeps everything that is not ours', async () => {
    const path = await temporaryDir();
    await writeFile(join(path, 'data.mdb'), 'theirs');
    const spill = await openSpill({ path });
    await spill.close();
    expect((await readdir(path)).sort()).toEqual(['data.mdb', 'lock']);
  });

  it('is named where it cannot be used, and is free again then', async () => {
    const path = join(await temporaryDir(), 'spill');
    await writeFile(path, '');
    await expect(openSpill({ path })).rejects.toMatchObject({
      code: 'MR_FOLDER_UNUSABLE',
      message: expect.stringContaining(path) as string,
    });
    const taken = await temporaryDir();
    await mkdir(join(taken, 'spill.mdb'));
    for (let attempt = 0; attempt < 2; attempt++)
      await expect(openSpill({ path: taken })).rejects.toMatchObject({
        code: 'MR_SPILL_FAILED',
        message: expect.stringContaining(taken) as string,
      });
  });

  it('does not keep a process alive, and is no obstacle to its end', async () => {
    const code = `
      const { openSpill } = await import(process.argv[1]);
      const spill = await openSpill({ path: process.argv[2] });
      spill.map('m').putMany([['k', Buffer.from('v')]]);
      spill.map('m').get('k');
    `;
    const { status, stderr } = spawnSync(process.execPath, nodeArguments(code, await temporaryDir()), {
      timeout: 30_000,
    });
    expect([status, stderr.toString()]).toEqual([0, '']);
  });
});

describe('a spill that is closed', () => {
  it('refuses every call, also of what was open before', async () => {
    const spill = await openSpill({ path: await temporaryDir() });
    const map = spill.map('m');
    map.putMany(Array.from({ length: 10 }, (_, i) => [`${i}`, Buffer.alloc(1)] as const));
    const entries = map.entries();
    for (let i = 0; i < 4; i++) entries.next();
    const closing = spill.close();
    const closed = expect.objectContaining({ code: 'MR_SPILL_FAILED', retryable: false }) as Error;
    for (const call of [
      () => map.get('1'),
      () => map.has('1'),
      () => map.size,
      () => map.clear(),
      () => map.putMany([['k', Buffer.alloc(1)]]),
      () => map.deleteMany(['1']),
      () => entries.next(),
      () => map.entries().next(),
      () => spill.map('another'),
    ])
      expect(call).toThrow(closed);
    expect(spill.bytes).toBe(0);
    await closing;
    await spill.close();
  });
});

describe('an entry', () => {
  it('of 16 MiB is taken, a larger one refused with all that came with it', async () => {
    const spill = await openSpill({ path: await temporaryDir() });
    const map = spill.map('m');
    const largest = Buffer.alloc(16 * 1024 * 1024 - 7, 1);
    map.putMany([['key', largest]]);
    expect(map.get('key')?.equals(largest)).toBe(true);
    const refused = () =>
      map.putMany([
        ['small', Buffer.alloc(1)],
        ['key2', largest],
      ]);
    expect(refused).toThrow(expect.objectContaining({ code: 'MR_SPILL_FAILED' }) as Error);
    expect([map.has('small'), map.size]).toEqual([false, 1]);
    await spill.close();
  });
});
