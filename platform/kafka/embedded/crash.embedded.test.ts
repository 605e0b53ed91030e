import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { compileChild } from './compiled-child.contract.ts';
import { readAcknowledged, startCrashWriter, verify } from './crash-run.contract.ts';
import { logBytes, Scratch } from './scratch-log.contract.ts';

const scratch = new Scratch();
const kills = 200;
const killsPerCheck = 8;

it(`loses nothing that was acknowledged over ${kills} kills`, { timeout: 300_000 }, async () => {
  const dir = scratch.directory();
  const work = scratch.directory();
  const command = [compileChild(fileURLToPath(new URL('./crash-writer.ts', import.meta.url)), work)];
  const ackFile = join(work, 'acks');
  const compileCache = join(work, 'cache');
  for (let round = 1; round <= kills; round++) {
    // Most rounds the next writer finds the log as the kill left it.
    const writer = await startCrashWriter({ command, dir, ackFile, round, compileCache });
    await sleep(Math.random() * 90);
    await writer.kill();
    if (round % killsPerCheck !== 0) continue;
    const kafka = await scratch.open(dir);
    const acks = readAcknowledged(ackFile);
    const count = await verify(kafka, acks);
    expect([round, count]).toMatchObject([round, { lost: 0, duplicated: 0, contradictions: [] }]);
    const [{ start } = { start: 0 }] = await kafka.admin.offsets('expiring');
    await kafka.close();
    if (round < kills) continue;
    console.info(JSON.stringify({ kills, ...count, transactions: acks.committed, expired: start }));
    expect(count.acknowledged).toBeGreaterThan(1_000);
    // Retention and compaction were at work, not only appends.
    expect(start).toBeGreaterThan(0);
    expect(logBytes(dir)).toBeGreaterThan(0);
  }
});
