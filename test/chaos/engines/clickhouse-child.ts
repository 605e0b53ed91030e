/** Inserts rows into the ClickHouse engine in process without end; see crash-loop.ts. */
import { openSync, writeSync } from 'node:fs';
import { openClickHouse } from '../../../platform/clickhouse/open.ts';
import { createBatchWriter } from '../../../platform/clickhouse/writer.ts';
import { Secret } from '../../../platform/config.ts';
import { createLogger } from '../../../platform/log.ts';

const [dataDir = '', ackFile = '', round = ''] = process.argv.slice(2);
const acknowledgements = openSync(ackFile, 'a');
const log = createLogger('warn', 'chaos');
const clickhouse = await openClickHouse({
  config: { url: undefined, user: 'default', password: new Secret(''), database: 'chaos' },
  dataDir,
  log,
});
await clickhouse.command(
  'CREATE TABLE IF NOT EXISTS facts (id String, text String) ENGINE = MergeTree ORDER BY id',
);
const writer = createBatchWriter(clickhouse, { maxRows: 10_000, maxBytes: 8_388_608, log });

process.stdout.write('ready\n');
for (let call = 0; ; call++) {
  const ids = Array.from({ length: 200 + ((call * 37) % 300) }, (_, i) => `${round}.${call}.${i}`);
  writer.add(
    'facts',
    ids.map((id) => ({ id, text: id.padEnd(100, '.') })),
  );
  await writer.flush();
  writeSync(acknowledgements, ids.map((id) => `${id}\n`).join(''));
}
