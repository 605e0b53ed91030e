import { loadConfig } from '../../platform/config.ts';
import { migrateTables, openWarehouse } from '../backends.ts';
import { defineCommand } from '../command.ts';
import { withSession } from '../session.ts';

export const migrateCommand = defineCommand({
  usage: '',
  details:
    'Applies the numbered migrations of schemas/clickhouse that are missing. Running it again changes nothing.',
  options: {},
  positionals: { min: 0, max: 0 },
  examples: [['migrate', 'bring the tables of MR_CLICKHOUSE_URL, or of the embedded engine, up to date']],
  run: ({ print, note }) =>
    withSession(loadConfig(), 'migrate', async ({ config, log, lifetime }) => {
      const clickhouse = await openWarehouse(config, log, lifetime);
      const applied = await migrateTables(clickhouse);
      note(applied.length === 0 ? `${clickhouse.database} is up to date` : `${clickhouse.database}: applied`);
      for (const name of applied) print(name);
      return 0;
    }),
});
