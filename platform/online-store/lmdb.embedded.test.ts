import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { open as openLmdb } from 'lmdb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../log.ts';
import { skipOrFail } from '../../test/harness/require-service.ts';
import { crashOnlineStore } from './crash.contract.ts';
import { openOnlineStore } from './index.ts';
import { onlineStoreContract } from './online-store.contract.ts';
import type { OnlineStore } from './port.ts';
import { expiryWalk } from './sweeper.ts';

const log = silentLogger();
/** Gives a process more room; of Linux. */
const PRLIMIT = 'prlimit';
const prlimit = skipOrFail(spawnSync(PRLIMIT, ['--version']).status === 0 ? '' : 'no prlimit is on the PATH');
const WRITER = fileURLToPath(new URL('./crash-writer.contract.ts', import.meta.url));
let dataDir: string;

function open(keyPrefix: string, now?: () => number): Promise<OnlineStore> {
  return openOnlineStore({
    redis: { url: undefined },
    dataDir,
    keyPrefix,
    log,
    deadlineMs: 5000,
    ...(now ? { now } : {}),
  });
}

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'millrace-lmdb-'));
  await chmod(dataDir, 0o755);
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

onlineStoreContract('LMDB', open);

describe('the online store on LMDB', () => {
  it('keeps values, versions and leases when it is closed and opened again', async () => {
    const first = await open('kept:');
    await first.setIfNewer([{ key: 'k', value: 'v', version: 3, ttlMs: 60_000 }]);
    await first.setIfAbsent('lease', 'me', 60_000);
    await first.close();
    const second = await open('kept:');
    expect(await second.readMany(['k'])).toEqual(['v']);
    expect(await second.setIfNewer([{ key: 'k', value: 'old', version: 2, ttlMs: 60_000 }])).toEqual([false]);
    expect(await second.setIfAbsent('lease', 'you', 60_000)).toBe(false);
    await second.close();
  });

  it('expires to the millisecond of its clock', async () => {
    let nowMs = 1_000_000;
    const store = await open('clock:', () => nowMs);
    await store.setIfNewer([{ key: 'k', value: 'v', version: 1, ttlMs: 500 }]);
    nowMs += 499;
    expect(await store.readMany(['k'])).toEqual(['v']);
    nowMs += 1;
    expect(await store.readMany(['k'])).toEqual([null]);
    await store.close();
  });

  it('says what to do where lmdb cannot be loaded', async () => {
    const refused = openOnlineStore({
      redis: { url: undefined },
      dataDir,
      keyPrefix: '',
      log,
      loadLmdb: () => Promise.reject(new Error("Cannot find package 'lmdb'")),
    });
    await expect(refused).rejects.toMatchObject({ code: 'MR_EMBEDDED_UNAVAILABLE', retryable: false });
    await expect(refused).rejects.toThrow(/MR_REDIS_URL/);
  });
});

describe('the folder of the online store', () => {
  it('belongs to one process: a second one is told so, until the first is gone, however it went', async () => {
    const dir = join(dataDir, 'owned');
    const owner = spawn(process.execPath, ['--import', 'tsx', WRITER, dir, '1'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(owner.stdout, 'data');
    const second = () => openOnlineStore({ redis: { url: undefined }, dataDir: dir, keyPrefix: '', log });
    await expect(second()).rejects.toMatchObject({
      code: 'MR_EMBEDDED_IN_USE',
      context: { ownerPid: owner.pid },
    });
    const gone = once(owner, 'close');
    owner.kill('SIGKILL');
    await gone;
    const store = await second();
    await store.close();
  });

  it('may be opened, closed and opened again at once by the stores of one process', async () => {
    const stores = await Promise.all(Array.from({ length: 5 }, () => open('many:')));
    const [first] = stores;
    await first?.setIfNewer([{ key: 'k', value: 'v', version: 1, ttlMs: 60_000 }]);
    const closing = stores.map((store) => store.close());
    const again = await open('many:');
    await Promise.all(closing);
    expect(await again.readMany(['k'])).toEqual(['v']);
    await again.close();
  });

  it('is named where it cannot be used', async () => {
    const file = join(dataDir, 'a-file');
    await writeFile(file, '');
    const locked = join(dataDir, 'locked');
    await mkdir(locked, { mode: 0o500 });
    for (const [dir, reason] of [
      [file, /ENOTDIR/],
      [locked, /EACCES/],
    ] as const) {
      const opening = asNobody(() =>
        openOnlineStore({ redis: { url: undefined }, dataDir: dir, keyPrefix: '', log }),
      );
      await expect(opening).rejects.toMatchObject({
        code: 'MR_FOLDER_UNUSABLE',
        retryable: false,
        message: expect.stringContaining(join(dir, 'online-store')) as string,
      });
      await expect(opening).rejects.toThrow(reason);
    }
  });

  it('says so where the file in it is no store of ours', async () => {
    const dir = join(dataDir, 'broken');
    await mkdir(join(dir, 'online-store'), { recursive: true });
    await writeFile(join(dir, 'online-store', 'data.mdb'), 'x'.repeat(100_000));
    const opening = openOnlineStore({ redis: { url: undefined }, dataDir: dir, keyPrefix: '', log });
    await expect(opening).rejects.toMatchObject({
      code: 'MR_ONLINE_STORE_FAILED',
      message: expect.stringMatching(/broken\/online-store\/data\.mdb is no database/) as string,
    });
  });
});

describe('the online store on LMDB, killed', () => {
  it('has all that it acknowledged, whole, after 50 kills at random moments', {
    timeout: 300_000,
  }, async () => {
    const outcome = await crashOnlineStore({
      dataDir: join(dataDir, 'crash'),
      longestLifeMs: 250,
      random: Math.random,
      goOn: (kills) => kills < 50,
    });
    expect(outcome).toMatchObject({ kills: 50, lost: 0, wrong: 0 });
    expect(outcome.acknowledged).toBeGreaterThan(1000);
  });
});

describe.skipIf(prlimit.isMissing)(prlimit.title('the online store on LMDB on a full disk'), () => {
  it('refuses writes as passing, goes on reading, keeps what it acknowledged, and recovers when there is room', async () => {
    const code = `
      const { execFileSync } = await import('node:child_process');
      const { openOnlineStore } = await import(process.argv[1]);
      const { silentLogger } = await import(process.argv[2]);
      const store = await openOnlineStore({
        redis: { url: undefined }, dataDir: process.argv[3], keyPrefix: '', deadlineMs: 5000, log: silentLogger(),
      });
      const write = (i) => store.setIfNewer([{ key: 'k' + i, value: String(i).repeat(20000), version: 1, ttlMs: 60000 }]);
      const failures = [];
      let count = 0;
      while (failures.length < 5) {
        await write(count).then(() => count++, (error) => failures.push(error));
      }
      const full = failures.map((error) => [error.code, error.retryable, error.message]);
      const kept = async () => (await store.readMany(Array.from({ length: count }, (_, i) => 'k' + i)))
        .every((value, i) => value === String(i).repeat(20000));
      const before = await kept();
      execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited']);
      for (const last = count + 100; count < last; count++) await write(count);
      const after = await kept();
      await store.close();
      console.log(JSON.stringify({ full: full[4], before, after, count }));
    `;
    const modules = ['./index.ts', '../log.ts'].map((path) => new URL(path, import.meta.url).href);
    const dir = join(dataDir, 'full');
    const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', code, ...modules, dir];
    // A soft limit for files of four megabytes: writes past it fail as on a full disk.
    const { stdout, stderr } = spawnSync('bash', ['-c', 'ulimit -S -f 4096; exec "$@"', 'bash', ...node]);
    expect(stdout.toString(), stderr.toString()).toMatch(/^\{/);
    expect(JSON.parse(stdout.toString())).toMatchObject({
      full: ['MR_ONLINE_STORE_UNAVAILABLE', true, expect.stringContaining('make room')],
      before: true,
      after: true,
    });
  });
});

/** Root may do everything; its place is taken by the user nobody for the call. */
async function asNobody<T>(action: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return action();
  process.seteuid?.(65_534);
  try {
    return await action();
  } finally {
    process.seteuid?.(0);
  }
}

describe('the sweep of expired records', () => {
  it('removes what has expired and nothing else, over more records than one step sees', async () => {
    const root = openLmdb({ path: join(dataDir, 'sweep'), noSubdir: false, maxDbs: 1 });
    const database = root.openDB<readonly [number]>({ name: 'records', encoding: 'msgpack' });
    await root.transaction(() => {
      for (let i = 0; i < 5000; i++) void database.put(`key-${String(i).padStart(5, '0')}`, [i]);
    });
    let nowMs = 2500;
    const walk = expiryWalk(root, { database, expiryOf: ([expiresAtMs]) => expiresAtMs }, () => nowMs);
    const left = () => [...database.getRange({})].map(({ value: [expiresAtMs] }) => expiresAtMs);
    for (let step = 0; step < 3; step++) await walk.step();
    expect(left()).toEqual(Array.from({ length: 2499 }, (_, i) => 2501 + i));
    nowMs = 10_000;
    for (let step = 0; step < 4; step++) await walk.step();
    expect(left()).toEqual([]);
    await root.close();
  });
});
