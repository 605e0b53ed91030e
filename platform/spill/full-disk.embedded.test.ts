import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { skipOrFail } from '../../test/harness/require-service.ts';
import { makeTemporaryDir, temporaryDir } from '../../test/harness/temporary-dir.ts';
import { hasCode } from '../errors.ts';
import { openSpill, type OpenSpillOptions } from './index.ts';
import type { Spill, SpillMap } from './port.ts';

const mount = await makeTemporaryDir();
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', mount.path]);
// Where nothing can be mounted, the limit on file sizes below stands in, in CI too.
const tmpfs = skipOrFail(mounted.status === 0 ? '' : 'this user cannot mount a tmpfs', {});

afterAll(async () => {
  if (mounted.status === 0) expect(spawnSync('umount', [mount.path]).status).toBe(0);
  await mount.remove();
});

async function open(options: OpenSpillOptions): Promise<Spill> {
  const spill = await openSpill(options);
  onTestFinished(() => spill.close());
  return spill;
}

/** What the call threw. */
function fault(call: () => void): unknown {
  try {
    call();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The map holds what it should, and nothing else. */
function expectContent(map: SpillMap, truth: ReadonlyMap<string, Buffer>): void {
  expect(map.size).toBe(truth.size);
  let count = 0;
  for (const [key, value] of map.entries()) {
    if (truth.get(key)?.equals(value) !== true) expect.fail(`${key} is wrong`);
    count += 1;
  }
  expect(count).toBe(truth.size);
}

describe.skipIf(tmpfs.isMissing)(tmpfs.title('a spill on a disk of 8 MB'), () => {
  const path = join(mount.path, 'spill');
  const ballast = join(mount.path, 'ballast');
  const takeAllBut = (bytes: number) => {
    const { bavail, bsize } = statfsSync(mount.path);
    writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - bytes)));
  };
  afterEach(() => rmSync(ballast, { force: true }));

  it('refuses a whole write, keeps what it has, can be cleared, and goes on when there is room', async () => {
    const spill = await open({ path });
    const map = spill.map('m');
    const truth = new Map<string, Buffer>();
    const put = (i: number) => {
      const entries = Array.from(
        { length: 10 },
        (_, n) => [`k${i * 10 + n}`, Buffer.alloc(2000, i)] as const,
      );
      map.putMany(entries);
      for (const [key, value] of entries) truth.set(key, value);
    };
    takeAllBut(4 * 1024 * 1024);
    let i = 0;
    const fill = () => {
      for (; i < 10_000; i++) put(i);
    };
    const full = fault(fill);
    expect(full).toMatchObject({ code: 'MR_SPILL_FULL', retryable: true, cause: { code: 'ENOSPC' } });
    expect((full as Error).message).toMatch(/make room, or raise MR_STATE_MEMORY_MB/);
    expect(i).toBeGreaterThan(50);
    const { bytes } = spill;
    for (let again = 0; again < 20; again++) expect(hasCode(fault(fill), 'MR_SPILL_FULL')).toBe(true);
    expectContent(map, truth);
    expect(spill.bytes).toBe(bytes);
    rmSync(ballast);
    put(i);
    expectContent(map, truth);
    expect(hasCode(fault(fill), 'MR_SPILL_FULL')).toBe(true);
    map.clear();
    truth.clear();
    expectContent(map, truth);
    await spill.close();
    expect(statfsSync(mount.path).bavail * 4096).toBeGreaterThan(7_500_000);
  });

  it('survives any writes against a full disk, and loses none that it took', {
    timeout: 120_000,
  }, async () => {
    const spill = await open({ path });
    const maps = ['a', 'b', 'c'].map((name) => ({ map: spill.map(name), truth: new Map<string, Buffer>() }));
    const below = (n: number) => Math.floor(Math.random() * n);
    let refused = 0;
    for (let step = 0; step < 3000; step++) {
      if (step % 200 === 0) rmSync(ballast, { force: true });
      if (step % 200 === 50) takeAllBut(below(200_000));
      const { map, truth } = maps[below(3)] ?? expect.fail();
      const kind = Math.random();
      const error = fault(() => {
        if (kind < 0.005) {
          map.clear();
          truth.clear();
        } else if (kind < 0.2) {
          const keys = Array.from({ length: below(100) }, () => `k${below(3000)}`);
          map.deleteMany(keys);
          for (const key of keys) truth.delete(key);
        } else {
          const value = () => Buffer.alloc(below(below(20) === 0 ? 20_000 : 2000), step);
          const entries = Array.from({ length: below(50) }, () => [`k${below(3000)}`, value()] as const);
          map.putMany(entries);
          for (const [key, each] of entries) truth.set(key, each);
        }
      });
      if (error === undefined) continue;
      expect(hasCode(error, 'MR_SPILL_FULL')).toBe(true);
      refused += 1;
    }
    for (const { map, truth } of maps) expectContent(map, truth);
    expect(refused).toBeGreaterThan(300);
  });

  it('says so when there is no room to open it, or another map, and leaves nothing there', async () => {
    for (const left of [0, 4096, 8192, 16_384, 65_536]) {
      takeAllBut(left);
      await expect(openSpill({ path })).rejects.toMatchObject({ code: 'MR_SPILL_FULL' });
      expect(existsSync(join(path, 'spill.mdb'))).toBe(false);
      rmSync(ballast);
    }
    const spill = await open({ path });
    takeAllBut(0);
    expect(
      hasCode(
        fault(() => spill.map('m')),
        'MR_SPILL_FULL',
      ),
    ).toBe(true);
    rmSync(ballast);
    expect(spill.map('m').size).toBe(0);
  });
});

describe('a spill under a limit on the size of files', () => {
  it('refuses what goes beyond it, and keeps what it has', async () => {
    const code = `
      const { openSpill } = await import(process.argv[1]);
      const spill = await openSpill({ path: process.argv[2] });
      const map = spill.map('m');
      let count = 0;
      const codes = [];
      while (codes.length < 20) {
        try {
          map.putMany([['k' + count, Buffer.alloc(20000, count)]]);
          count += 1;
        } catch (error) {
          codes.push(error.code);
        }
      }
      let right = 0;
      for (let i = 0; i < count; i++) if (map.get('k' + i).equals(Buffer.alloc(20000, i))) right += 1;
      map.clear();
      await spill.close();
      console.log(JSON.stringify({ codes: [...new Set(codes)], count, right }));
    `;
    const module = new URL('./index.ts', import.meta.url).href;
    const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', code, module];
    // Four megabytes: writes past them fail as on a full disk.
    const child = ['-c', 'ulimit -f 4096; exec "$@"', 'bash', ...node, await temporaryDir()];
    const { stdout, stderr } = spawnSync('bash', child);
    expect(stdout.toString(), stderr.toString()).toMatch(/^\{/);
    const said = JSON.parse(stdout.toString()) as { codes: string[]; count: number; right: number };
    expect(said.codes).toEqual(['MR_SPILL_FULL']);
    expect(said.count).toBeGreaterThan(50);
    expect(said.right).toBe(said.count);
  });
});

describe('the bound of a spill', () => {
  it('counts all maps, refuses what would go beyond it, and is met again when entries are deleted', async () => {
    const maxBytes = 4 * 1024 * 1024;
    const spill = await open({ path: await temporaryDir(), maxBytes });
    const [a, b] = [spill.map('a'), spill.map('b')];
    const value = Buffer.alloc(1000, 1);
    a.putMany(Array.from({ length: 2000 }, (_, i) => [`a${i}`, value] as const));
    let count = 0;
    const fill = () => {
      for (; count < 5000; count += 10)
        b.putMany(Array.from({ length: 10 }, (_, i) => [`b${count + i}`, value] as const));
    };
    expect(fault(fill)).toMatchObject({
      code: 'MR_SPILL_FULL',
      retryable: false,
      context: { maxBytes },
    });
    expect([a.size, b.size]).toEqual([2000, count]);
    expect(count).toBeGreaterThan(500);
    expect(spill.bytes).toBeLessThan(3 * maxBytes);
    a.deleteMany(Array.from({ length: 1000 }, (_, i) => `a${i}`));
    const before = count;
    expect(hasCode(fault(fill), 'MR_SPILL_FULL')).toBe(true);
    expect(count).toBeGreaterThan(before + 300);
    // Though everything is written again and again, the file stays near its bound.
    a.clear();
    for (let round = 0; round < 200; round++)
      b.putMany(Array.from({ length: 200 }, (_, i) => [`b${(round * 7 + i) % 1000}`, value] as const));
    expect(spill.bytes).toBeLessThan(3 * maxBytes);
  });
});
