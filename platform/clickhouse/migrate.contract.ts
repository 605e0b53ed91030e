import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clickhouseMigrations } from '../../schemas/migrations.ts';
import { migrate, pendingMigrations, type Migration } from './migrate.ts';
import type { ClickHouse } from './port.ts';
import { compareSchemas, requireSameSchema } from './schema-check.ts';

const now = () => 1_700_000_000_000;

const FIRST: Migration = {
  name: '0001-first',
  sql: `-- a comment that ends like a statement;
CREATE TABLE IF NOT EXISTS a (n Int64) ENGINE = MergeTree ORDER BY n;

CREATE TABLE IF NOT EXISTS b (s String DEFAULT 'x;y') ENGINE = MergeTree ORDER BY s;
`,
};
const SECOND: Migration = {
  name: '0002-second',
  sql: 'ALTER TABLE a ADD COLUMN IF NOT EXISTS m Int64;\nCREATE VIEW IF NOT EXISTS v AS SELECT n + m AS t FROM a;',
};

/** Migrations against any engine behind the port. */
export function migrateContract(name: string, open: () => Promise<ClickHouse>): void {
  describe(`migrations: ${name}`, () => {
    let clickhouse: ClickHouse;
    beforeEach(async () => {
      clickhouse = await open();
    });
    afterEach(async () => {
      await clickhouse.command(`DROP DATABASE \`${clickhouse.database}\``);
      await clickhouse.close();
    });

    it('applies each migration once, in order', async () => {
      expect(await migrate(clickhouse, [FIRST], { now })).toEqual(['0001-first']);
      expect(await migrate(clickhouse, [FIRST, SECOND], { now })).toEqual(['0002-second']);
      expect(await migrate(clickhouse, [FIRST, SECOND], { now })).toEqual([]);
      await clickhouse.insert('a', [{ n: 1, m: 2 }]);
      expect(await clickhouse.query('SELECT t FROM v')).toEqual([{ t: 3 }]);
    });

    it('refuses a migration that was changed after it had been applied', async () => {
      await migrate(clickhouse, [FIRST], { now });
      const appended = { ...FIRST, sql: `${FIRST.sql}DROP TABLE b;` };
      await expect(migrate(clickhouse, [appended], { now })).rejects.toMatchObject({
        code: 'MR_CLICKHOUSE_MIGRATION_CHANGED',
        context: { migration: '0001-first' },
      });
      expect(await clickhouse.query('SELECT * FROM b')).toEqual([]);
    });

    it('does not mind a changed comment', async () => {
      await migrate(clickhouse, [FIRST], { now });
      expect(await migrate(clickhouse, [{ ...FIRST, sql: `-- new\n${FIRST.sql}` }], { now })).toEqual([]);
    });

    it('goes on after a statement that failed, once that statement is corrected', async () => {
      const broken = { ...SECOND, sql: `${SECOND.sql.split('\n')[0] ?? ''}\nCREATE VIEW v AS SELEC;` };
      await expect(migrate(clickhouse, [FIRST, broken], { now })).rejects.toMatchObject({
        code: 'MR_CLICKHOUSE_QUERY_FAILED',
      });
      expect(await migrate(clickhouse, [FIRST, SECOND], { now })).toEqual(['0002-second']);
    });

    it('goes on after an interruption at every statement', async () => {
      let stopped = 0;
      for (let calls = 1; ; calls++) {
        if (await finishes(failingAfter(clickhouse, calls))) break;
        stopped++;
      }
      expect(stopped).toBeGreaterThan(3);
      expect(await migrate(clickhouse, [FIRST, SECOND], { now })).toEqual([]);
      expect(await clickhouse.query('SELECT count() AS n FROM schema_migrations FINAL')).toEqual([{ n: 6 }]);
    });

    it('says what is not yet applied', async () => {
      expect(await pendingMigrations(clickhouse, [FIRST, SECOND])).toEqual(['0001-first', '0002-second']);
      await migrate(clickhouse, [FIRST], { now });
      expect(await pendingMigrations(clickhouse, [FIRST, SECOND])).toEqual(['0002-second']);
      await expect(
        pendingMigrations(clickhouse, [{ ...FIRST, sql: `${FIRST.sql}DROP TABLE b;` }]),
      ).rejects.toMatchObject({ code: 'MR_CLICKHOUSE_MIGRATION_CHANGED' });
    });

    it('finds what was changed by hand, and nothing where nothing was', async () => {
      const fresh = await open();
      const product = clickhouseMigrations();
      await migrate(clickhouse, [...product, FIRST, SECOND], { now });
      await migrate(fresh, [...product, FIRST, SECOND], { now });
      expect(await compareSchemas(clickhouse, fresh)).toEqual([]);
      await clickhouse.command('ALTER TABLE a ADD COLUMN by_hand String');
      await clickhouse.command('ALTER TABLE a MODIFY COLUMN m Int32');
      await clickhouse.command('DROP TABLE b');
      await clickhouse.command('CREATE TABLE mine (n Int64) ENGINE = Memory');
      await expect(requireSameSchema(clickhouse, fresh)).rejects.toMatchObject({
        code: 'MR_CLICKHOUSE_SCHEMA_CHANGED',
        context: {
          differences: [
            'the table b is missing',
            'no migration makes the table mine',
            'the column a.m is "Int32" and should be "Int64"',
            'no migration makes the column a.by_hand',
          ],
        },
      });
      await fresh.command(`DROP DATABASE \`${fresh.database}\``);
      await fresh.close();
    });

    it('applies the migrations of the product', async () => {
      const names = clickhouseMigrations().map((migration) => migration.name);
      expect(await migrate(clickhouse, clickhouseMigrations(), { now })).toEqual(names);
      expect(await migrate(clickhouse, clickhouseMigrations(), { now })).toEqual([]);
    });
  });
}

async function finishes(clickhouse: ClickHouse): Promise<boolean> {
  return migrate(clickhouse, [FIRST, SECOND], { now }).then(
    () => true,
    () => false,
  );
}

/** The same engine, of which every call but the first so many fails, as after a lost connection. */
function failingAfter(clickhouse: ClickHouse, calls: number): ClickHouse {
  let left = calls;
  const guard = <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) => {
    return (...args: A): Promise<R> => (left-- > 0 ? call(...args) : Promise.reject(new Error('stopped')));
  };
  return {
    kind: clickhouse.kind,
    database: clickhouse.database,
    query: (sql, options) => clickhouse.query(sql, options),
    command: guard((sql, options) => clickhouse.command(sql, options)),
    insert: guard((table, rows, options) => clickhouse.insert(table, rows, options)),
    ping: (timeoutMs) => clickhouse.ping(timeoutMs),
    info: (timeoutMs) => clickhouse.info(timeoutMs),
    close: () => clickhouse.close(),
  };
}
