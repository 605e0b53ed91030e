import { loadConfig } from '../../platform/config.ts';
import { requireFreeDisk } from '../../platform/disk.ts';
import { untilSignal } from '../../platform/shutdown.ts';
import { defineCommand } from '../command.ts';
import { withSession } from '../session.ts';
import { startClickHouseServer } from '../stages.ts';

export const clickhouseCommand = defineCommand({
  usage: '[--port n] [--read-only]',
  details:
    'Serves the ClickHouse engine in process, with the tables of MR_DATA_DIR, over the HTTP interface of ClickHouse until\n' +
    'Ctrl-C or SIGTERM. MR_CLICKHOUSE_USER with MR_CLICKHOUSE_PASSWORD may do everything; MR_CLICKHOUSE_READONLY_USER\n' +
    'may read where MR_CLICKHOUSE_READONLY_PASSWORD is set. Passwords come from the environment only; without one, the\n' +
    'server binds to loopback only. It owns the data folder: a running demo or start serves its own tables itself.\n' +
    'Ask it with curl:\n' +
    '  curl http://127.0.0.1:8123/ping\n' +
    "  curl -u reader:PASSWORD http://127.0.0.1:8123/ --data-binary 'SELECT version()'\n" +
    "  curl -u reader:PASSWORD 'http://127.0.0.1:8123/?database=millrace&param_n=3' -d 'SELECT number FROM numbers({n:UInt32})'\n" +
    "  curl -u default: 'http://127.0.0.1:8123/?query=INSERT+INTO+t+FORMAT+CSV' -T rows.csv -X POST",
  options: {
    port: {
      type: 'integer',
      placeholder: 'n',
      min: 0,
      max: 65_535,
      about: 'port to listen on instead of MR_CLICKHOUSE_PORT; 0 picks a free one',
    },
    'read-only': { type: 'boolean', about: 'nobody may write, whoever logs in' },
  },
  positionals: { min: 0, max: 0 },
  examples: [
    ['clickhouse', 'serve the tables of the data folder on port 8123'],
    ['clickhouse --port 0 --read-only', 'let programs look at a copy of a data folder'],
  ],
  run: ({ options, print, note }) =>
    withSession(loadConfig(), 'clickhouse', async (session) => {
      const stopped = untilSignal();
      const { config } = session;
      await requireFreeDisk(config.dataDir, config.minFreeDiskMb);
      await session.own();
      const { url, accounts, version } = await startClickHouseServer(session, {
        ...(options.port === undefined ? {} : { port: options.port }),
        readOnly: options['read-only'],
      });
      print(url);
      note(`ClickHouse ${version} in process, folder ${config.dataDir}/clickhouse`);
      for (const { user, isReader } of accounts)
        note(`user ${user}: ${isReader ? 'may read' : 'may do everything'}`);
      await stopped;
      note('stopping');
      return 0;
    }),
});
