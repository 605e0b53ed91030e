import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { readRows } from '../../../test/harness/file-row-writer.ts';
import { temporaryDir } from '../../../test/harness/temporary-dir.ts';
import { countViews, factsByPlace, latestCounts, viewStream } from '../../../test/harness/view-job.ts';

const CHILD = fileURLToPath(new URL('../../../test/harness/view-job-child.ts', import.meta.url));
const EVENTS = 6000;
const KILLS = 8;

function start(dir: string): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, dir, String(EVENTS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

/** Kills it when `until` has come, after it has begun to work; false where it was done before. */
async function killed(child: ChildProcess, until: () => Promise<unknown>): Promise<boolean> {
  const closed = once(child, 'close');
  await Promise.race([once(child.stdout!, 'data'), closed]);
  await Promise.race([until(), closed]);
  child.kill('SIGKILL');
  await closed;
  return child.signalCode === 'SIGKILL';
}

/** Resolves when it has written rows: the transaction that they belong to is made some time later. */
async function rowsWritten(dir: string, child: ChildProcess): Promise<void> {
  const size = async () => (await stat(join(dir, 'rows.ndjson'))).size;
  for (const before = await size(); (await size()) === before && child.exitCode === null; ) await sleep(2);
}

test('a process that is killed again and again counts every event once', { timeout: 180_000 }, async () => {
  const dir = await temporaryDir();
  let kills = 0;
  for (let n = 0; n < KILLS; n++) {
    // Every other one between the rows and their transaction, however busy the machine is.
    const child = start(dir);
    const until = n % 2 === 0 ? () => rowsWritten(dir, child) : () => sleep(40 + Math.random() * 260);
    if (await killed(child, until)) kills += 1;
  }
  const last = start(dir);
  const [code] = (await once(last, 'close')) as [number | null];
  expect(code).toBe(0);
  expect(kills).toBeGreaterThanOrEqual(KILLS - 1);

  const events = viewStream(EVENTS, { stepMs: 100, disorderMs: 5000 });
  const rows = await readRows(join(dir, 'rows.ndjson'));
  const table = (name: string) => rows.filter((row) => row['table'] === name);
  expect(latestCounts(table('item_minute'))).toEqual(countViews(events, (event) => event.itemId));
  expect(latestCounts(table('device_minute'))).toEqual(countViews(events, (event) => event.anonymousId));
  const facts = [...factsByPlace(table('clicks')).values()];
  expect(facts.sort()).toEqual([...new Set(events.map((event) => event.eventId))].sort());
  // Without a commit that was lost and said again, the test would prove little.
  expect(table('clicks').length).toBeGreaterThan(facts.length);
});
