import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json } from './parameter.ts';
import type { Postgres, Transaction } from './port.ts';

/** What both engines promise; run by each test file that opens one. */
export function postgresContract(engine: string, open: () => Promise<Postgres>): void {
  describe(`PostgreSQL contract: ${engine}`, () => {
    let postgres: Postgres;
    beforeAll(async () => {
      postgres = await open();
    });
    afterAll(() => postgres.close());

    const table = async (columns: string): Promise<string> => {
      const name = `t_${randomBytes(6).toString('hex')}`;
      await postgres.execute(`CREATE TABLE ${name} (${columns})`);
      return name;
    };

    it('says what it is and answers', async () => {
      const info = await postgres.info(5000);
      expect(info.version).toMatch(/\d+\.\d+/);
      expect(info.where).not.toBe('');
      await postgres.ping(5000);
    });

    describe('types', () => {
      const VALUES: readonly (readonly [type: string, value: unknown, read?: unknown])[] = [
        ['bigint', 9_007_199_254_740_993n],
        ['integer', -7],
        ['smallint', 3],
        ['double precision', 0.1],
        ['numeric(30,10)', '12345678901234567890.0123456789'],
        ['boolean', false],
        ['text', `quotes ' " \\ and 漢字 🛒`],
        ['uuid', '0190f3c2-7d1a-7b3c-8d4e-000000000001'],
        ['bytea', Buffer.from([0, 1, 254, 255])],
        ['timestamptz', new Date('2026-03-29T01:30:00.123Z')],
        ['timestamptz', new Date('0044-03-15T12:00:00.000Z')],
        ['timestamptz', new Date(-62_198_755_200_000)], // 2 BC
        ['timestamptz', new Date(Date.UTC(12_026, 0, 1))],
        ['timestamp', new Date('2026-01-01T00:00:00.000Z')],
        ['timestamptz', 'infinity', Infinity],
        ['date', '2026-02-28'],
        ['interval', '1 day 02:03:04'],
        ['jsonb', { a: [1, null, 'x'], b: { c: true } }],
        ['jsonb', json([1, 'two', null]), [1, 'two', null]],
        ['jsonb', json('text'), 'text'],
        ['json', json(null), null],
        ['bigint[]', [1n, null, -3n]],
        ['text[]', ['', 'NULL', 'a,b', '{}', `"\\'`, null]],
        ['integer[]', [], []],
        [
          'integer[][]',
          [
            [1, 2],
            [3, 4],
          ],
        ],
        ['jsonb[]', [{ a: 1 }, null, { b: '"}' }]],
        ['timestamptz[]', [new Date(0)]],
        ['boolean[]', [true, false, null]],
        ['text', null],
        ['integer', undefined, null],
      ];

      it.each(VALUES)('brings %s back as it went in: %o', async (...parts) => {
        const [type, value, read = value] = parts;
        const name = await table(`v ${String(type)}`);
        await postgres.execute(`INSERT INTO ${name} VALUES ($1)`, [value as never]);
        const [row] = await postgres.query(`SELECT v, '{}'::int[] AS none FROM ${name}`);
        expect(row?.['v'] ?? null).toEqual(read ?? null);
        expect(row?.['none']).toEqual([]);
      });

      it('knows the types of results without a table', async () => {
        const [row] = await postgres.query(
          `SELECT count(*) AS n, sum(1.5) AS s, pg_current_xact_id() AS x, now() AS t, 1 = 1 AS b, 'a'::name AS name`,
        );
        expect(row).toMatchObject({ n: 1n, s: '1.5', b: true, name: 'a' });
        expect(typeof row?.['x']).toBe('bigint');
        expect(Math.abs(Date.now() - (row?.['t'] as Date).getTime())).toBeLessThan(60_000);
      });

      it('takes an array for ANY', async () => {
        const rows = await postgres.query(
          'SELECT n FROM generate_series(1, 9) AS n WHERE n = ANY($1) ORDER BY n',
          [[2, 4, 99]],
        );
        expect(rows).toEqual([{ n: 2 }, { n: 4 }]);
      });
    });

    describe('statements', () => {
      it('counts the rows that changed', async () => {
        const name = await table('id int primary key, v int');
        expect(await postgres.execute(`INSERT INTO ${name} VALUES (1, 1), (2, 1), (3, 2)`)).toBe(3);
        expect(await postgres.execute(`UPDATE ${name} SET v = 9 WHERE v = 1`)).toBe(2);
        expect(await postgres.execute(`UPDATE ${name} SET v = 9 WHERE id = 77`)).toBe(0);
        expect(await postgres.execute(`DELETE FROM ${name}`)).toBe(3);
      });

      it('takes one statement at a time, with or without parameters', async () => {
        await expect(postgres.query('SELECT 1; SELECT 2')).rejects.toMatchObject({
          code: 'MR_POSTGRES_QUERY_FAILED',
          context: { sqlState: '42601' },
        });
      });

      it('runs many at once', async () => {
        const name = await table('id int primary key');
        const ids = Array.from({ length: 200 }, (_, id) => id);
        await Promise.all(ids.map((id) => postgres.execute(`INSERT INTO ${name} VALUES ($1)`, [id])));
        const [row] = await postgres.query(`SELECT count(*) AS n, sum(id) AS s FROM ${name}`);
        expect(row).toEqual({ n: 200n, s: 19_900n });
      });
    });

    describe('errors', () => {
      it('names the constraint of a conflict, and no value', async () => {
        const name = await table('email text constraint one_account unique');
        await postgres.execute(`INSERT INTO ${name} VALUES ('secret@example.org')`);
        const error: unknown = await postgres
          .execute(`INSERT INTO ${name} VALUES ($1)`, ['secret@example.org'])
          .catch((caught: unknown) => caught);
        expect(error).toMatchObject({
          code: 'MR_POSTGRES_CONFLICT',
          retryable: false,
          context: { constraint: 'one_account', sqlState: '23505', table: name },
        });
        expect(everythingIn(error)).not.toContain('secret');
      });

      it.each([
        ['a value of another type', 'SELECT $1::int', ['secret-4242'], '22P02'],
        ['a number out of range', 'SELECT $1::int', ['424242424242'], '22003'],
        ['broken JSON', 'SELECT $1::jsonb', ['{"secret": 4242'], '22P02'],
        ['a missing table', 'SELECT * FROM no_such_table', [], '42P01'],
        ['a syntax error', 'SELEC 1', [], '42601'],
      ])('gives the SQLSTATE of %s, and no value', async (_what, sql, params, sqlState) => {
        const error: unknown = await postgres.query(sql, params).catch((caught: unknown) => caught);
        expect(error).toMatchObject({
          code: 'MR_POSTGRES_QUERY_FAILED',
          retryable: false,
          context: { sqlState },
        });
        expect(everythingIn(error)).not.toMatch(/secret|4242/);
      });

      it('keeps rows out of the errors of other constraints', async () => {
        const name = await table(`v text constraint no_secrets check (v <> 'secret-4242')`);
        const error: unknown = await postgres
          .execute(`INSERT INTO ${name} VALUES ($1)`, ['secret-4242'])
          .catch((caught: unknown) => caught);
        expect(error).toMatchObject({
          code: 'MR_POSTGRES_QUERY_FAILED',
          context: { constraint: 'no_secrets', sqlState: '23514' },
        });
        expect(everythingIn(error)).not.toContain('4242');
      });
    });

    describe('transactions', () => {
      const insert = (transaction: Transaction, name: string, id: number) =>
        transaction.execute(`INSERT INTO ${name} VALUES ($1)`, [id]);
      const count = async (name: string) =>
        (await postgres.query(`SELECT count(*) AS n FROM ${name}`))[0]?.['n'];

      it('commits all, and answers what the work answers', async () => {
        const name = await table('id int primary key');
        const answer = await postgres.transaction(async (transaction) => {
          await insert(transaction, name, 1);
          await insert(transaction, name, 2);
          return transaction.query<{ id: number }>(`SELECT id FROM ${name} ORDER BY id`);
        });
        expect(answer).toEqual([{ id: 1 }, { id: 2 }]);
        expect(await count(name)).toBe(2n);
      });

      it('rolls all back when the work throws, and passes its error on', async () => {
        const name = await table('id int primary key');
        const own = new Error('own');
        const failing = postgres.transaction(async (transaction) => {
          await insert(transaction, name, 1);
          throw own;
        });
        await expect(failing).rejects.toBe(own);
        expect(await count(name)).toBe(0n);
      });

      it('never commits half: a failed statement fails the whole, swallowed or not', async () => {
        const name = await table('id int primary key');
        const failing = postgres.transaction(async (transaction) => {
          await insert(transaction, name, 1);
          await insert(transaction, name, 1).catch(() => undefined);
        });
        await expect(failing).rejects.toMatchObject({ code: 'MR_POSTGRES_CONFLICT' });
        expect(await count(name)).toBe(0n);
      });

      it('waits for statements that the work did not wait for', async () => {
        const name = await table('id int primary key');
        await postgres.transaction(async (transaction) => void insert(transaction, name, 1));
        expect(await count(name)).toBe(1n);
        const failing = postgres.transaction(async (transaction) => {
          void insert(transaction, name, 2);
          insert(transaction, name, 1).catch(() => undefined);
        });
        await expect(failing).rejects.toMatchObject({ code: 'MR_POSTGRES_CONFLICT' });
        expect(await count(name)).toBe(1n);
      });

      it('refuses statements after its end', async () => {
        const name = await table('id int primary key');
        const late = await postgres.transaction(async (transaction) => () => insert(transaction, name, 1));
        await expect(late()).rejects.toMatchObject({ code: 'MR_INTERNAL' });
        expect(await count(name)).toBe(0n);
      });

      it('refuses the database itself inside the work, and is usable after it', async () => {
        const name = await table('id int primary key');
        for (const nested of [
          () => postgres.query('SELECT 1'),
          () => postgres.execute(`INSERT INTO ${name} VALUES (5)`),
          () => postgres.transaction(async () => 1),
          () => postgres.withLock('nested', async () => 1),
        ]) {
          await expect(postgres.transaction(async (): Promise<unknown> => nested())).rejects.toMatchObject({
            code: 'MR_INTERNAL',
          });
          await expect(nested()).resolves.toBeDefined();
          await postgres.execute(`DELETE FROM ${name}`);
        }
      });

      it('has the isolation that was asked for', async () => {
        for (const isolation of ['read committed', 'repeatable read', 'serializable'] as const) {
          const rows = await postgres.transaction(
            (transaction) => transaction.query('SHOW transaction_isolation'),
            { isolation },
          );
          expect(rows).toEqual([{ transaction_isolation: isolation }]);
        }
      });

      it('shows others nothing before the commit', async () => {
        const name = await table('id int primary key');
        let seen: Promise<unknown> | undefined;
        await postgres.transaction(async (transaction) => {
          await insert(transaction, name, 1);
          // Outside the work's own context, as another request would be.
          seen = outside(() => count(name));
          await sleep(30);
        });
        // On a server it did not wait and saw nothing; in process it waited and saw the commit.
        expect(await seen).toBe(postgres.kind === 'server' ? 0n : 1n);
      });

      it('is rolled back when its time is over, also while the work waits for something else', async () => {
        const name = await table('id int primary key');
        const failing = postgres.transaction(
          async (transaction) => {
            await insert(transaction, name, 1);
            await sleep(2000, undefined, { ref: false });
          },
          { timeoutMs: 200 },
        );
        await expect(failing).rejects.toMatchObject({ code: 'MR_POSTGRES_UNAVAILABLE', retryable: true });
        expect(await count(name)).toBe(0n);
      });

      it('runs side by side without mixing', async () => {
        const name = await table('id int primary key, batch int');
        const batch = (number: number) =>
          postgres.transaction(async (transaction) => {
            for (let id = 0; id < 5; id++) {
              await transaction.execute(`INSERT INTO ${name} VALUES ($1, $2)`, [number * 5 + id, number]);
            }
            if (number % 2 === 1) throw new Error('odd');
          });
        await Promise.allSettled(Array.from({ length: 20 }, (_, number) => batch(number)));
        const rows = await postgres.query(
          `SELECT batch, count(*) AS n FROM ${name} GROUP BY batch ORDER BY batch`,
        );
        expect(rows).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18].map((number) => ({ batch: number, n: 5n })));
      });
    });
  });
}

/** Runs a call as if it came from elsewhere: the context of the work does not follow a timer made before it. */
const jobs: (() => void)[] = [];
let pump: NodeJS.Timeout | undefined;
beforeAll(() => {
  pump = setInterval(() => jobs.shift()?.(), 2);
});
afterAll(() => clearInterval(pump));

function outside<T>(call: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => jobs.push(() => void call().then(resolve, reject)));
}

/** Every text that a log could show of an error. */
function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = Object.getOwnPropertyNames(error).map((name) => {
    const value: unknown = Reflect.get(error, name);
    return value instanceof Error ? everythingIn(value) : JSON.stringify(value);
  });
  return own.join('\n');
}
