/** Opens PGlite in a folder and, told where to begin, writes until it is killed; each id is sent when it is acknowledged. */
import { silentLogger } from '../../platform/log.ts';
import { openPostgres } from '../../platform/postgres/index.ts';

const dataDir = process.argv[2] ?? '';
const postgres = await openPostgres({
  config: { url: undefined, caFile: undefined, poolSize: 1 },
  dataDir,
  log: silentLogger(),
});
await postgres.execute('CREATE TABLE IF NOT EXISTS written (id int, part int)');
process.send?.('open');

process.once('message', (from) => void write(Number(from)));

async function write(from: number): Promise<void> {
  for (let id = from; ; id++) {
    await postgres.transaction(async (transaction) => {
      await transaction.execute('INSERT INTO written VALUES ($1, 1)', [id]);
      await transaction.execute('INSERT INTO written VALUES ($1, 2)', [id]);
    });
    process.send?.(id);
  }
}
