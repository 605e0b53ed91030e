import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDir } from '../test/harness/temporary-dir.ts';
import { lockDirectory } from './directory-lock.ts';

/** Listens on a socket in the lock folder, as an owner does, until it is killed. */
const owner = `
  const server = require('node:net').createServer((socket) => socket.destroy());
  server.listen(process.argv[1], () => console.log('listening'));
`;

describe('the lock of a directory', () => {
  it('refuses a second owner in this process, and lets one in after the release', async () => {
    const dir = await temporaryDir();
    const lock = await lockDirectory(dir);
    await expect(lockDirectory(dir)).rejects.toMatchObject({
      code: 'MR_EMBEDDED_IN_USE',
      context: { dir, ownerPid: process.pid },
    });
    await lock.release();
    const again = await lockDirectory(dir);
    await again.release();
    expect(readdirSync(join(dir, 'lock'))).toEqual([]);
  });

  it('refuses while another process owns it, and takes over when that was killed', async () => {
    const dir = await temporaryDir();
    mkdirSync(join(dir, 'lock'));
    // The pid in the name is this live process: only the socket itself decides.
    const child = spawn(process.execPath, ['-e', owner, join(dir, 'lock', `${process.pid}-dead`)]);
    await once(child.stdout, 'data');
    await expect(lockDirectory(dir)).rejects.toMatchObject({ code: 'MR_EMBEDDED_IN_USE' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(readdirSync(join(dir, 'lock'))).toEqual([`${process.pid}-dead`]);
    const lock = await lockDirectory(dir);
    expect(readdirSync(join(dir, 'lock'))).toHaveLength(1);
    await lock.release();
  });

  it('never lets two of many contenders in', async () => {
    const dir = await temporaryDir();
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => lockDirectory(dir)));
    const locks = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(locks.length).toBeLessThanOrEqual(1);
    await Promise.all(locks.map((lock) => lock.release()));
  });

  it('works in a folder whose path is longer than a socket address', async () => {
    const dir = join(await temporaryDir(), 'x'.repeat(90), 'y'.repeat(90));
    mkdirSync(dir, { recursive: true });
    const lock = await lockDirectory(dir);
    await expect(lockDirectory(dir)).rejects.toMatchObject({ code: 'MR_EMBEDDED_IN_USE' });
    await lock.release();
    expect(readdirSync(join(dir, 'lock'))).toEqual([]);
  });

  it('does not keep a process alive', async () => {
    const dir = await temporaryDir();
    const code = `
      const { lockDirectory } = await import(process.argv[1]);
      await lockDirectory(process.argv[2]);
    `;
    const module = new URL('./directory-lock.ts', import.meta.url).href;
    const args = ['--import', 'tsx', '--input-type=module', '-e', code, module, dir];
    const { status, stderr } = spawnSync(process.execPath, args, { timeout: 30_000 });
    expect([status, stderr.toString()]).toEqual([0, '']);
  });
});
