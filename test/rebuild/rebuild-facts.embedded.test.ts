import { expect, test } from 'vitest';
import { FACT_TABLES } from '../../schemas/tables.ts';
import { auditedShop, traffic } from '../audit/audited-shop.contract.ts';
import { tamper } from '../audit/tampering.contract.ts';
import { contents, rebuild, staged } from './rebuilt-shop.contract.ts';

const tables = FACT_TABLES;

test('facts are what was committed, whatever was done to their tables', { timeout: 600_000 }, async () => {
  const shop = await auditedShop();
  const { clickhouse } = shop;
  await shop.send(traffic(1, 3));
  const runner = await shop.start();
  await shop.settled();
  await runner.stop();
  const before = await contents(clickhouse, tables);
  for (const table of tables) expect(before.get(table)?.length, table).toBeGreaterThan(3);
  const rows = [...before.values()].reduce((sum, { length }) => sum + length, 0);

  const untouched = await rebuild(shop, { tables });
  expect(untouched).toMatchObject({
    isRight: true,
    report: { tables: 7, rowsChecked: rows, rowsWritten: 0, rowsDeleted: 0, rowsKept: 0, unproven: 0 },
  });

  for (const table of tables) await tamper(clickhouse, table);
  await clickhouse.command(
    `INSERT INTO clicks SELECT * REPLACE (_offset + 1000000 AS _offset) FROM clicks FINAL LIMIT 3`,
  );
  await clickhouse.command(
    `INSERT INTO orders SELECT * REPLACE ('alien' AS _topic) FROM orders FINAL LIMIT 2`,
  );
  // In another partition of the table, and there with the same place in the log.
  await clickhouse.command(
    `INSERT INTO payments SELECT * REPLACE (ingest_time + INTERVAL 3 DAY AS ingest_time) FROM payments FINAL LIMIT 2`,
  );
  const checked = await rebuild(shop, { tables, isDry: true });
  expect(checked.report.rowsWritten).toBeGreaterThan(20);
  expect(await contents(clickhouse, tables)).not.toEqual(before);
  const rebuilt = await rebuild(shop, { tables });
  expect(rebuilt.report).toEqual(checked.report);
  expect(rebuilt).toMatchObject({ isRight: true, unsettled: [], report: { unproven: 0 } });
  expect(await contents(clickhouse, tables)).toEqual(before);
  expect(await staged(clickhouse)).toEqual([]);

  for (const table of tables) await clickhouse.command(`TRUNCATE TABLE ${table}`);
  expect((await rebuild(shop, { tables })).report).toMatchObject({ rowsWritten: rows, rowsDeleted: 0 });
  expect(await contents(clickhouse, tables)).toEqual(before);
  expect((await shop.audit()).findings).toEqual([]);

  const again = await shop.start();
  await shop.send(traffic(2, 2));
  await shop.settled();
  await again.stop();
  expect((await shop.audit()).findings).toEqual([]);
  expect((await rebuild(shop, { tables })).report).toMatchObject({ rowsWritten: 0, rowsDeleted: 0 });
});
