import { expect, test } from 'vitest';
import type { AuditReport } from '../../processors/runtime/audit/index.ts';
import { FACT_TABLES, VERSIONED_TABLES } from '../../schemas/tables.ts';
import { auditedShop, traffic } from './audited-shop.contract.ts';
import { tamper } from './tampering.contract.ts';

const TABLES = [...FACT_TABLES, ...Object.keys(VERSIONED_TABLES)];

const kindsOf = (report: AuditReport, table: string) => {
  const kinds: Record<string, number> = {};
  for (const { what, kind, count } of report.findings)
    if (what === table) kinds[kind] = (kinds[kind] ?? 0) + count;
  return kinds;
};

test('finds what a hand deleted, doubled or altered in any table, and nothing else', {
  timeout: 600_000,
}, async () => {
  const shop = await auditedShop();
  await shop.send(traffic(1, 3));
  const runner = await shop.start();
  await shop.settled();
  await runner.stop();
  const watching = shop.auditor();
  const untouched = await watching.pass();
  expect(untouched.findings).toEqual([]);
  for (const table of TABLES) {
    const lines = untouched.lines.filter(({ what }) => what === table);
    expect(
      lines.reduce((sum, { there }) => sum + there, 0),
      table,
    ).toBeGreaterThan(0);
    expect(
      lines.every(({ unproven }) => unproven === 0),
      table,
    ).toBe(true);
  }

  const tampered = [];
  for (const table of TABLES) tampered.push(await tamper(shop.clickhouse, table));
  // One that has seen the tables before, and one that has not.
  for (const report of [await watching.pass(), await shop.audit()]) {
    for (const { table, altered } of tampered)
      expect({ table, ...kindsOf(report, table) }).toEqual({
        table,
        gap: 1,
        duplicate: 1,
        altered: altered.length,
      });
    const named = report.findings.filter(({ what, kind }) => what === 'payments' && kind === 'altered');
    const payments = tampered.find(({ table }) => table === 'payments')?.altered ?? [];
    expect(named.map(({ reason }) => reason.split(': ')[1]).sort()).toEqual([...payments].sort());
    expect(report.findings.filter(({ store }) => store === 'kafka')).toEqual([]);
  }
});
