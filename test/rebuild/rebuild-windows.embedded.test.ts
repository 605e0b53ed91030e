import { expect, test } from 'vitest';
import { VERSIONED_TABLES } from '../../schemas/tables.ts';
import { auditedShop, traffic } from '../audit/audited-shop.contract.ts';
import { tamper } from '../audit/tampering.contract.ts';
import { compactChangelogs, contents, rebuild, staged } from './rebuilt-shop.contract.ts';

const tables = Object.keys(VERSIONED_TABLES);
/** What was coalesced by commits, and what waited too long: by the clock. */
const BY_CLOCK = ['segment_trending_minute', 'order_life'];

test('window tables are what was committed, whatever was done to them', { timeout: 600_000 }, async () => {
  const shop = await auditedShop();
  const { clickhouse, kafka } = shop;
  await shop.send(traffic(1, 3));
  const runner = await shop.start();
  await shop.settled();
  await runner.stop();
  const before = await contents(clickhouse, tables);
  const rows = [...before.values()].reduce((sum, { length }) => sum + length, 0);
  const untouched = await rebuild(shop, { tables });
  expect(untouched).toMatchObject({
    isRight: true,
    report: { tables: 11, rowsChecked: rows, rowsWritten: 0, rowsDeleted: 0, rowsKept: 0, unproven: 0 },
  });

  for (const table of tables) await tamper(clickhouse, table);
  // Of a version beyond everything that its task has said, in the place of a row that is still there.
  await clickhouse.command(
    `INSERT INTO users SELECT * REPLACE (version + 1000000000000 AS version) FROM users FINAL LIMIT 3`,
  );
  const rebuilt = await rebuild(shop, { tables });
  expect(rebuilt).toMatchObject({ isRight: true, unsettled: [], report: { rowsChecked: rows, unproven: 0 } });
  expect(rebuilt.report.rowsDeleted).toBeGreaterThanOrEqual(tables.length);
  expect(await contents(clickhouse, tables)).toEqual(before);

  for (const table of tables) await clickhouse.command(`TRUNCATE TABLE ${table}`);
  const emptied = await rebuild(shop, { tables });
  expect(emptied).toMatchObject({ isRight: true, unsettled: [], report: { rowsWritten: rows, unproven: 0 } });
  expect(await contents(clickhouse, tables)).toEqual(before);
  expect((await shop.audit()).findings).toEqual([]);
  expect(await staged(clickhouse)).toEqual([]);

  // By a second run: of what follows the clock, the journal refuses what differs, and nothing wrong is written.
  await compactChangelogs(kafka, { isWithJournals: true });
  for (const table of tables) await clickhouse.command(`TRUNCATE TABLE ${table}`);
  const remade = await rebuild(shop, { tables });
  expect(remade.unsettled.filter(({ table }) => !BY_CLOCK.includes(table))).toEqual([]);
  const timeless = (some: ReadonlyMap<string, unknown>) =>
    new Map([...some].filter(([table]) => !BY_CLOCK.includes(table)));
  expect(timeless(await contents(clickhouse, tables))).toEqual(timeless(before));
  expect((await shop.audit()).findings.length).toBe(remade.unsettled.length);

  const again = await shop.start();
  await shop.send(traffic(2, 2));
  await shop.settled();
  await again.stop();
  const lost = (await shop.audit()).findings;
  expect(lost.every(({ what, kind }) => BY_CLOCK.includes(what) && kind === 'gap')).toBe(true);
  expect(lost.length).toBeLessThanOrEqual(remade.unsettled.length);
});

test('what is older than the journal comes from a second run, and later results replace it', {
  timeout: 600_000,
}, async () => {
  const shop = await auditedShop();
  const { clickhouse, kafka } = shop;
  await shop.send(traffic(3, 2));
  const runner = await shop.start();
  await shop.settled();
  await runner.stop();
  const chosen = ['shop_minute', 'items', 'users', 'sales_minute'];
  const before = await contents(clickhouse, chosen, { isStamped: false });
  await compactChangelogs(kafka, { isWithJournals: false });

  await clickhouse.command(`TRUNCATE TABLE sales_minute`);
  await clickhouse.command(`TRUNCATE TABLE items`);
  await clickhouse.command(`ALTER TABLE shop_minute DELETE WHERE channel = 'web'`, {
    settings: { mutations_sync: 2 },
  });
  await clickhouse.command(
    `INSERT INTO users SELECT * REPLACE ('nobody' AS user_id) FROM users FINAL LIMIT 1`,
  );
  const rebuilt = await rebuild(shop, { tables: chosen });
  expect(rebuilt.isRight).toBe(true);
  expect(await contents(clickhouse, chosen, { isStamped: false })).toEqual(before);
  expect(rebuilt.report.unproven).toBeGreaterThan(0);
  const once = await rebuild(shop, { tables: chosen });
  expect(once.report).toMatchObject({ rowsWritten: 0, rowsDeleted: 0 });

  const again = await shop.start();
  await shop.send(traffic(3, 2));
  await shop.settled();
  await again.stop();
  expect((await shop.audit()).findings).toEqual([]);
});
