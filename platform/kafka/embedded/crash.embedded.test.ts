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
/** Where the machine was too busy for the writers, some more that live longer. */
const longRounds = 40;

it(`loses nothing that was acknowledged over ${kills} kills`, { timeout: 300_000 }, async () => {
  const dir = scratch.directory();
  const work = scratch.directory();
  const command = [compileChild(fileURLToPath(new URL('./crash-writer.ts', import.meta.url)), work)];
  const ackFile = join(work, 'acks');
  const compileCache = join(work, 'cache');
  let acknowledged = 0;
  let expired = 0;
  // Retention and compaction must be at work, not only appends.
  const isEnough = () => acknowledged > 1_000 && expired > 0;
  for (let round = 1; round <= kills || (!isEnough() && round <= kills + longRounds); round++) {
    // Most rounds the next writer finds the log as the kill left it.
    const writer = await startCrashWriter({ command, dir, ackFile, round, compileCache });
    await sleep(Math.random() * (round <= kills ? 90 : 2_000));
    await writer.kill();
    if (round % killsPerCheck !== 0) continue;
    const kafka = await scratch.open(dir);
    const acks = readAcknowledged(ackFile);
    const count = await verify(kafka, acks);
    expect([round, count]).toMatchObject([round, { lost: 0, duplicated: 0, contradictions: [] }]);
    ({ acknowledged } = count);
    expired = (await kafka.admin.offsets('expiring'))[0]?.start ?? 0;
    await kafka.close();
    if (round >= kills)
      console.info(JSON.stringify({ kills: round, ...count, transactions: acks.committed, expired }));
  }
  expect(isEnough()).toBe(true);
  expect(logBytes(dir)).toBeGreaterThan(0);
});
