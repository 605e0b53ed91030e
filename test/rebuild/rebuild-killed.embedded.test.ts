import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { auditedShop, traffic } from '../audit/audited-shop.contract.ts';
import { tamper } from '../audit/tampering.contract.ts';
import { lastJson, runMillrace } from '../harness/millrace-process.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { compactChangelogs, contents, staged, TABLES } from './rebuilt-shop.contract.ts';

/** What follows the clock need not be given back by a second run. */
const CHOSEN = TABLES.filter((table) => table !== 'segment_trending_minute' && table !== 'order_life');
const EMPTIED = new Set(['clicks', 'payments', 'shop_minute', 'sessions', 'users']);

const rebuild = (dataDir: string) => rebuildOf(dataDir, CHOSEN);

function rebuildOf(dataDir: string, tables: readonly string[], ...args: string[]) {
  const chosen = tables.flatMap((table) => ['--table', table]);
  return runMillrace(['rebuild', 'tables', ...chosen, ...args], {
    ...{ MR_DATA_DIR: dataDir, MR_OUT_OF_ORDER: '0s', MR_IDLE_TIMEOUT: '300ms', MR_COMMIT_INTERVAL: '100ms' },
  });
}

test('a rebuild that is killed anywhere is run again, and nothing of it is left', {
  timeout: 600_000,
}, async () => {
  const shop = await auditedShop();
  const { dataDir } = shop.config;
  await shop.send(traffic(1, 3));
  const runner = await shop.start();
  await shop.settled();
  await runner.stop();
  const before = await contents(shop.clickhouse, CHOSEN);
  await compactChangelogs(shop.kafka, { isWithJournals: true });
  for (const table of CHOSEN)
    if (EMPTIED.has(table)) await shop.clickhouse.command(`TRUNCATE TABLE ${table}`);
    else await tamper(shop.clickhouse, table);

  // Beside an owner of the data folder nothing is done.
  const beside = rebuild(dataDir);
  expect((await beside.ended).code).toBe(1);
  expect(beside.stderr()).toContain('MR_EMBEDDED_IN_USE');
  await shop.close();

  const checked = rebuildOf(dataDir, ['clicks', 'payments'], '--check');
  expect((await checked.ended).code, checked.stderr()).toBe(1);
  expect(lastJson((await checked.ended).stdout)).toMatchObject({ tables: 2, unproven: 0 });
  for (const moment of ['putting payments right', 'second run:', 'putting shop_minute right']) {
    const killed = rebuild(dataDir);
    const isThere = () => killed.stderr().includes(moment) || killed.child.exitCode !== null;
    await waitUntil(isThere, { timeoutMs: 120_000, what: moment });
    killed.child.kill('SIGKILL');
    await killed.ended;
  }
  const last = rebuild(dataDir);
  expect((await last.ended).code, last.stderr()).toBe(0);
  const done = lastJson((await last.ended).stdout);
  expect(done).toMatchObject({ tables: CHOSEN.length, unproven: 0 });

  const again = await auditedShop({ dataDir });
  expect(await contents(again.clickhouse, CHOSEN)).toEqual(before);
  expect(await staged(again.clickhouse)).toEqual([]);
  expect(existsSync(join(dataDir, 'rebuild-tables'))).toBe(false);
  expect((await again.audit()).findings).toEqual([]);
});
