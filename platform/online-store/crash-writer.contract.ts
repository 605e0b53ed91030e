import { silentLogger } from '../log.ts';
import { openOnlineStore } from './index.ts';

/**
 * A process that writes to the online store of a folder until it is killed, and says on stdout what was acknowledged:
 * `set <key> <version>`, `absent <key>`. Started by crash.contract.ts with the folder and the number of the round.
 */
const [dataDir = '', round = '0'] = process.argv.slice(2);
const store = await openOnlineStore({
  redis: { url: undefined },
  dataDir,
  keyPrefix: 'crash:',
  deadlineMs: 60_000,
  log: silentLogger(),
});
const say = (line: string) => process.stdout.write(`${line}\n`); // synchronous to a pipe: it outlives the kill
const TTL_MS = 86_400_000;
const first = Number(round) * 1_000_000;

/** Writes of several sizes, from one entry to a thousand, so that kills meet commits of all kinds. */
async function write(writer: number): Promise<never> {
  for (let n = 1; ; n++) {
    const version = first + n;
    const count = [1, 10, 100, 1000][n % 4] ?? 1;
    const keys = Array.from({ length: count }, (_, i) => `${writer}:${i}`);
    const value = `${version}:${'x'.repeat(version % 500)}`;
    const applied = await store.setIfNewer(keys.map((key) => ({ key, value, version, ttlMs: TTL_MS })));
    if (!applied.every(Boolean)) say(`stale ${writer} ${version}`);
    for (const key of keys) say(`set ${key} ${version}`);
    const lease = `${writer}:${version}`;
    if (await store.setIfAbsent(lease, 'held', TTL_MS)) say(`absent ${lease}`);
    else say(`stale ${lease}`);
  }
}

say('open');
await Promise.all([0, 1, 2].map(write));
