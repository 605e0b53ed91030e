import { randomBytes } from 'node:crypto';
import { pendingMigrations } from '../../platform/clickhouse/migrate.ts';
import { openClickHouse } from '../../platform/clickhouse/open.ts';
import type { ClickHouse } from '../../platform/clickhouse/port.ts';
import { requireSameSchema } from '../../platform/clickhouse/schema-check.ts';
import { loadConfig } from '../../platform/config.ts';
import { MillraceError } from '../../platform/errors.ts';
import { clickhouseMigrations } from '../../schemas/migrations.ts';
import { migrateTables, openWarehouse } from '../backends.ts';
import { defineCommand } from '../command.ts';
import { withSession, type Session } from '../session.ts';

export const migrateCommand = defineCommand({
  usage: '[--check]',
  details:
    'Applies the numbered migrations of schemas/clickhouse that are missing. Running it again changes nothing.\n' +
    'With --check it changes nothing at all and fails where a migration is missing or was changed, or where the tables\n' +
    'are not what the migrations make; to know that, it makes them in a database of their own, which it drops.',
  options: {
    check: { type: 'boolean', about: 'only compare the tables with the migrations' },
  },
  positionals: { min: 0, max: 0 },
  examples: [
    ['migrate', 'bring the tables of MR_CLICKHOUSE_URL, or of the embedded engine, up to date'],
    ['migrate --check', 'fail where they are not'],
  ],
  run: ({ options, print, note }) =>
    withSession(loadConfig(), 'migrate', async (session) => {
      const clickhouse = await openWarehouse(session);
      if (options.check) {
        await checkTables(clickhouse, session);
        note(`${clickhouse.database} is what the migrations make`);
        return 0;
      }
      const applied = await migrateTables(clickhouse);
      note(applied.length === 0 ? `${clickhouse.database} is up to date` : `${clickhouse.database}: applied`);
      for (const name of applied) print(name);
      return 0;
    }),
});

async function checkTables(clickhouse: ClickHouse, { config, log, lifetime }: Session): Promise<void> {
  const pending = await pendingMigrations(clickhouse, clickhouseMigrations());
  if (pending.length > 0)
    throw new MillraceError('MR_CLICKHOUSE_MIGRATION_PENDING', `Not yet applied: ${pending.join(', ')}`, {
      context: { migrations: pending },
    });
  const database = `${clickhouse.database}_check_${randomBytes(4).toString('hex')}`;
  const fresh = await openClickHouse({
    config: { ...config.clickhouse, database },
    dataDir: config.dataDir,
    log,
  });
  lifetime.add('clickhouse of the check', fresh);
  try {
    await migrateTables(fresh);
    await requireSameSchema(clickhouse, fresh);
  } finally {
    await fresh.command(`DROP DATABASE IF EXISTS \`${database}\``);
  }
}
