import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Migration } from '../../schemas/migrations.ts';
import { migratePostgres, migrationStatus } from './migrate.ts';
import type { Postgres } from './port.ts';

/** The opener may be called several times: each is what another process would have. */
export function migrateContract(engine: string, open: () => Promise<Postgres>, processes: number): void {
  describe(`PostgreSQL migrations: ${engine}`, () => {
    let postgres: Postgres;
    let service: string;
    let first: Migration;
    let second: Migration;
    beforeAll(async () => {
      postgres = await open();
    });
    afterAll(() => postgres.close());
    beforeEach(() => {
      service = `s${randomBytes(4).toString('hex')}`;
      first = {
        name: '0001-table',
        sql: `-- Numbers.\nCREATE TABLE ${service} (id int);\nINSERT INTO ${service} VALUES (1), (2);\n`,
      };
      second = {
        name: '0002-function',
        sql: `CREATE FUNCTION ${service}_f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 7;\nEND;\n$$;`,
      };
    });
    const rows = async () => (await postgres.query(`SELECT count(*) AS n FROM ${service}`))[0]?.['n'];

    it('applies each once, in order, and says what is done', async () => {
      const set = { service, migrations: [first, second] };
      expect(await migrationStatus(postgres, set)).toEqual([
        { name: '0001-table', state: 'pending' },
        { name: '0002-function', state: 'pending' },
      ]);
      expect(await migratePostgres(postgres, { service, migrations: [first] })).toEqual(['0001-table']);
      expect(await migratePostgres(postgres, set)).toEqual(['0002-function']);
      expect(await migratePostgres(postgres, set)).toEqual([]);
      expect(await rows()).toBe(2n);
      expect(await postgres.query(`SELECT ${service}_f() AS seven`)).toEqual([{ seven: 7 }]);
      const status = await migrationStatus(postgres, set);
      expect(status).toMatchObject([{ state: 'applied' }, { state: 'applied' }]);
      expect(status[0]?.appliedAt).toBeInstanceOf(Date);
    });

    it('leaves nothing of a migration that fails, and goes on with the corrected file', async () => {
      const broken = { ...first, sql: `${first.sql} SELECT no_such_column;` };
      await expect(migratePostgres(postgres, { service, migrations: [broken] })).rejects.toMatchObject({
        code: 'MR_POSTGRES_QUERY_FAILED',
      });
      expect(await postgres.query('SELECT to_regclass($1)::text AS name', [service])).toEqual([
        { name: null },
      ]);
      expect(await migratePostgres(postgres, { service, migrations: [first] })).toEqual(['0001-table']);
    });

    it('refuses a changed file, but not another comment or line end', async () => {
      await migratePostgres(postgres, { service, migrations: [first] });
      const reworded = {
        ...first,
        sql: first.sql.replace('-- Numbers.', '-- Some.').replaceAll('\n', '\r\n'),
      };
      expect(await migratePostgres(postgres, { service, migrations: [reworded, second] })).toEqual([
        second.name,
      ]);
      const changed = { ...first, sql: first.sql.replace('(2)', '(3)') };
      await expect(
        migratePostgres(postgres, { service, migrations: [changed, second] }),
      ).rejects.toMatchObject({
        code: 'MR_POSTGRES_MIGRATION_CHANGED',
        context: { migration: '0001-table' },
      });
      const renamed = { ...first, name: '0001-other' };
      await expect(
        migratePostgres(postgres, { service, migrations: [renamed, second] }),
      ).rejects.toMatchObject({
        code: 'MR_POSTGRES_MIGRATION_CHANGED',
      });
      expect(await migrationStatus(postgres, { service, migrations: [changed, second] })).toMatchObject([
        { state: 'changed' },
        { state: 'applied' },
      ]);
    });

    it('refuses a gap, and a database that is newer than the files', async () => {
      const gap = { service, migrations: [first, { ...second, name: '0003-function' }] };
      await expect(migratePostgres(postgres, gap)).rejects.toMatchObject({
        code: 'MR_POSTGRES_MIGRATION_ORDER',
      });
      await migratePostgres(postgres, { service, migrations: [first, second] });
      const older = { service, migrations: [first] };
      await expect(migratePostgres(postgres, older)).rejects.toMatchObject({
        code: 'MR_POSTGRES_MIGRATION_ORDER',
      });
      expect(await migrationStatus(postgres, older)).toMatchObject([
        { state: 'applied' },
        { state: 'unknown' },
      ]);
    });

    it('refuses a file that ends the transaction', async () => {
      const ending = { name: '0001-ending', sql: `CREATE TABLE ${service} (id int); COMMIT; SELECT 1` };
      await expect(migratePostgres(postgres, { service, migrations: [ending] })).rejects.toMatchObject({
        code: 'MR_POSTGRES_MIGRATION_ORDER',
      });
      expect(await migrationStatus(postgres, { service, migrations: [ending] })).toMatchObject([
        { state: 'pending' },
      ]);
    });

    it('is applied by one of several that start at once', async () => {
      const others = await Promise.all(Array.from({ length: processes }, open));
      try {
        const set = { service, migrations: [first, second] };
        const applied = await Promise.all([postgres, ...others].map((each) => migratePostgres(each, set)));
        expect(applied.flat().sort()).toEqual(['0001-table', '0002-function']);
        expect(await rows()).toBe(2n);
      } finally {
        await Promise.all(others.map((each) => each.close()));
      }
    });
  });
}
