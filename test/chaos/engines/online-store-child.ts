/** Writes newer and newer values to LMDB without end; see crash-loop.ts. */
import { openSync, writeSync } from 'node:fs';
import { createLogger } from '../../../platform/log.ts';
import { openOnlineStore } from '../../../platform/online-store/index.ts';

const KEYS = 500;
const [dataDir = '', ackFile = '', round = ''] = process.argv.slice(2);
const acknowledgements = openSync(ackFile, 'a');
const store = await openOnlineStore({
  redis: { url: undefined },
  dataDir,
  keyPrefix: 'chaos:',
  deadlineMs: 10_000,
  log: createLogger('warn', 'chaos'),
});

async function writeForever(writer: number): Promise<never> {
  for (let call = 0; ; call++) {
    const version = Number(round) * 2 ** 24 + call;
    const keys = Array.from({ length: 20 }, (_, i) => `w${writer}:k${(call * 20 + i) % KEYS}`);
    await store.setIfNewer(keys.map((key) => ({ key, value: String(version), version, ttlMs: 3_600_000 })));
    writeSync(acknowledgements, keys.map((key) => `${key} ${version}\n`).join(''));
  }
}

process.stdout.write('ready\n');
await Promise.all([writeForever(0), writeForever(1), writeForever(2)]);
