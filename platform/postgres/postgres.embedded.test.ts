import type { EngineModule, EngineOptions, OpenFile } from '@electric-sql/pglite/nodefs';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { makeTemporaryDir, temporaryDir, type TemporaryDir } from '../../test/harness/temporary-dir.ts';
import { silentLogger } from '../log.ts';
import { coordinationContract } from './coordination.contract.ts';
import { migrateContract } from './migrate.contract.ts';
import { openPostgres } from './index.ts';
import { postgresContract } from './postgres.contract.ts';

const log = silentLogger();
const config = { url: undefined, caFile: undefined, poolSize: 10 };

describe('PGlite', () => {
  let dir: TemporaryDir;
  beforeAll(async () => {
    dir = await makeTemporaryDir();
  });
  afterAll(() => dir.remove());

  const open = () => openPostgres({ config, dataDir: dir.path, log });
  postgresContract('PGlite', open);
  coordinationContract('PGlite', open);
  migrateContract('PGlite', open, 0);
});

describe('PGlite beside others', () => {
  it('lets a call wait for the session no longer than its time', async () => {
    const postgres = await openPostgres({ config, dataDir: await temporaryDir(), log });
    onTestFinished(() => postgres.close());
    let end: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (end = resolve));
    let begun: () => void = () => undefined;
    const holding = new Promise<void>((resolve) => (begun = resolve));
    const open = postgres.transaction(async () => {
      begun();
      await held;
    });
    await holding;
    await expect(postgres.query('SELECT 1', [], { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'MR_POSTGRES_UNAVAILABLE',
      retryable: true,
    });
    end();
    await open;
    expect(await postgres.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('says what to do where PGlite is not installed', async () => {
    const opening = openPostgres({
      config,
      dataDir: await temporaryDir(),
      log,
      loadPglite: () => Promise.reject(new Error("Cannot find package '@electric-sql/pglite'")),
    });
    await expect(opening).rejects.toMatchObject({
      code: 'MR_EMBEDDED_UNAVAILABLE',
      message: expect.stringContaining('MR_POSTGRES_URL') as string,
    });
  });

  it('syncs its log with every commit', async () => {
    let syncs = 0;
    const { PGlite } = await import('@electric-sql/pglite');
    const nodefs = await import('@electric-sql/pglite/nodefs');
    /** Counts the calls of whatever fsync is put there. */
    class NodeFS extends nodefs.NodeFS {
      override async init(engine: unknown, options: EngineOptions) {
        const { emscriptenOpts } = await super.init(engine, options);
        const count = ({ NODEFS }: EngineModule) => {
          let real: ((file: OpenFile) => number) | undefined;
          Object.defineProperty(NODEFS.stream_ops, 'fsync', {
            get: () => (file: OpenFile) => {
              syncs++;
              return real?.(file) ?? 0;
            },
            set: (fsync: (file: OpenFile) => number) => (real = fsync),
          });
        };
        return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), count] } };
      }
    }
    const postgres = await openPostgres({
      config,
      dataDir: await temporaryDir(),
      log,
      loadPglite: async () => ({ PGlite, NodeFS }),
    });
    onTestFinished(() => postgres.close());
    await postgres.execute('CREATE TABLE synced (id int)');
    const before = syncs;
    for (let id = 0; id < 10; id++) await postgres.execute('INSERT INTO synced VALUES ($1)', [id]);
    expect(syncs - before).toBeGreaterThanOrEqual(10);
  });

  it('refuses calls after close, and opens again with its data', async () => {
    const dataDir = await temporaryDir();
    const before = await openPostgres({ config, dataDir, log });
    await before.execute('CREATE TABLE kept (id int)');
    await before.close();
    await expect(before.query('SELECT 1')).rejects.toMatchObject({
      code: 'MR_POSTGRES_UNAVAILABLE',
      retryable: false,
    });
    const after = await openPostgres({ config, dataDir, log });
    expect(await after.query('SELECT * FROM kept')).toEqual([]);
    await after.close();
  });

  it('is refused to a second owner of the directory until the first has gone', async () => {
    const dataDir = await temporaryDir();
    const child = await startChild(dataDir);
    await expect(openPostgres({ config, dataDir, log })).rejects.toMatchObject({
      code: 'MR_EMBEDDED_IN_USE',
      context: { ownerPid: child.pid },
    });
    await end(child);
    const postgres = await openPostgres({ config, dataDir, log });
    await postgres.ping(1000);
    await postgres.close();
  });
});

describe('PGlite killed while it writes', () => {
  it('has every acknowledged row afterwards, and no half of a transaction', async () => {
    const dataDir = await temporaryDir();
    const acknowledged = new Set<number>();
    for (let round = 0; round < 6; round++) {
      const child = await startChild(dataDir);
      const enough = acknowledged.size + 30 + 17 * round;
      const written = new Promise<void>((resolve) => {
        child.on('message', (id) => {
          acknowledged.add(Number(id));
          if (acknowledged.size >= enough) resolve();
        });
      });
      child.send(1_000_000 * (round + 1));
      await written;
      await end(child);
    }
    const postgres = await openPostgres({ config, dataDir, log });
    const rows = await postgres.query<{ id: number; n: bigint }>(
      'SELECT id, count(*) AS n FROM written GROUP BY id',
    );
    await postgres.close();
    const found = new Map(rows.map(({ id, n }) => [id, n]));
    expect([...acknowledged].filter((id) => !found.has(id))).toEqual([]);
    expect(rows.filter(({ n }) => n !== 2n)).toEqual([]);
    expect(acknowledged.size).toBeGreaterThan(400);
    expect(await readdir(join(dataDir, 'postgres'))).toContain('pgdata');
  }, 180_000);
});

/** A process that opens the directory, and writes two rows in each transaction once it is told where to begin. */
async function startChild(dataDir: string): Promise<ChildProcess> {
  const script = join(import.meta.dirname, '..', '..', 'test', 'harness', 'postgres-writer-child.ts');
  const child = fork(script, [dataDir], { execArgv: ['--import', 'tsx'], stdio: 'inherit' });
  onTestFinished(() => end(child));
  const [message] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
  if (message !== 'open') throw new Error(`the child ended with ${String(message)}`);
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
