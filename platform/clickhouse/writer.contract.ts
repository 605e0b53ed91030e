import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../log.ts';
import { FACTS_DDL, factRow } from './clickhouse.contract.ts';
import type { ClickHouse } from './port.ts';
import { createBatchWriter } from './writer.ts';

const log = silentLogger();

/** The batch writer against any engine behind the port. */
export function writerContract(name: string, open: () => Promise<ClickHouse>): void {
  describe(`batch writer: ${name}`, () => {
    let clickhouse: ClickHouse;
    beforeAll(async () => {
      clickhouse = await open();
      await clickhouse.command(FACTS_DDL);
      await clickhouse.command('CREATE TABLE small (n UInt32) ENGINE = MergeTree ORDER BY n');
    });
    afterAll(async () => {
      await clickhouse.command(`DROP DATABASE \`${clickhouse.database}\``);
      await clickhouse.close();
    });

    it('has every row of every table in when flush resolves', async () => {
      const writer = createBatchWriter(clickhouse, { maxRows: 400, maxBytes: 1e8, log });
      for (let offset = 0; offset < 1000; offset++) writer.add('facts', [factRow(offset)]);
      writer.add(
        'small',
        Array.from({ length: 10 }, (_, n) => ({ n })),
      );
      expect(writer.pendingRows).toBe(1010);
      await writer.flush();
      expect([writer.pendingRows, writer.pendingBytes]).toEqual([0, 0]);
      expect(await clickhouse.query('SELECT count() AS n, uniqExact(_offset) AS o FROM facts')).toEqual([
        { n: 1000, o: 1000 },
      ]);
      expect(await clickhouse.query('SELECT count() AS n FROM small')).toEqual([{ n: 10 }]);
    });

    it('rejects a refused batch, keeps its rows pending and has the other tables in', async () => {
      await clickhouse.command('TRUNCATE TABLE small');
      const writer = createBatchWriter(clickhouse, { maxRows: 100, maxBytes: 1e8, log });
      writer.add('small', [{ n: 1 }]);
      writer.add('nowhere', [{ n: 1 }, { n: 2 }]);
      await expect(writer.flush()).rejects.toMatchObject({ code: 'MR_CLICKHOUSE_QUERY_FAILED' });
      expect(writer.pendingRows).toBe(2);
      expect(await clickhouse.query('SELECT count() AS n FROM small')).toEqual([{ n: 1 }]);
    });

    it('leaves out the rows with values that their table does not take, and names them', async () => {
      await clickhouse.command('TRUNCATE TABLE small');
      const writer = createBatchWriter(clickhouse, { maxRows: 100, maxBytes: 1e8, log, sparesRefused: true });
      const [text, negative, list] = [{ n: 'seven' }, { n: -1.5 }, { n: [1] }];
      const bad = [text, negative, list];
      const rows = [{ n: 1 }, text, { n: 2 }, { n: 3 }, negative, list, { n: 4 }];
      writer.add('small', rows);
      writer.add('facts', [factRow(5000)]);
      const refused = await writer.flush();
      expect(refused.map(({ row }) => row)).toEqual(bad);
      for (const [at, { table, row, reason }] of refused.entries()) {
        expect([table, row === bad[at]]).toEqual(['small', true]);
        // Nothing of the row: it may be personal.
        expect(reason).toMatch(/^ClickHouse: /);
        expect(reason).not.toContain('seven');
      }
      expect([writer.pendingRows, writer.pendingBytes]).toEqual([0, 0]);
      expect(await clickhouse.query('SELECT n FROM small ORDER BY n')).toEqual(
        [1, 2, 3, 4].map((n) => ({ n })),
      );
      expect(await clickhouse.query('SELECT count() AS n FROM facts WHERE _offset = 5000')).toEqual([
        { n: 1 },
      ]);
    });

    it('fails for a table that is not there, and for one that takes no row any more', async () => {
      const writer = createBatchWriter(clickhouse, { maxRows: 100, maxBytes: 1e8, log, sparesRefused: true });
      writer.add('nowhere', [{ n: 1 }, { n: 2 }]);
      await expect(writer.flush()).rejects.toMatchObject({ code: 'MR_CLICKHOUSE_QUERY_FAILED' });
      const other = createBatchWriter(clickhouse, { maxRows: 100, maxBytes: 1e8, log, sparesRefused: true });
      other.add('small', [{ m: 1 }]);
      await expect(other.flush()).rejects.toMatchObject({ code: 'MR_CLICKHOUSE_QUERY_FAILED' });
      const third = createBatchWriter(clickhouse, { maxRows: 100, maxBytes: 1e8, log, sparesRefused: true });
      third.add(
        'small',
        Array.from({ length: 50 }, () => ({ n: 'text' })),
      );
      await expect(third.flush()).rejects.toMatchObject({ code: 'MR_CLICKHOUSE_QUERY_FAILED' });
      expect(third.pendingRows).toBe(50);
    });
  });
}
