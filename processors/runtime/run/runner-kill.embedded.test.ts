import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryDir } from '../../../test/harness/temporary-dir.ts';
import { countViews, factsByPlace, latestCounts, viewStream } from '../../../test/harness/view-job.ts';

const CHILD = fileURLToPath(new URL('../../../test/harness/view-job-child.ts', import.meta.url));
const EVENTS = 6000;
const KILLS = 8;

type Row = Readonly<Record<string, unknown>>;

function start(dir: string): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, dir, String(EVENTS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

/** Kills it some time after it has begun to work; false where it was done before. */
async function killed(child: ChildProcess, afterMs: number): Promise<boolean> {
  const closed = once(child, 'close');
  await Promise.race([once(child.stdout!, 'data'), closed]);
  const timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
  await closed;
  clearTimeout(timer);
  return child.signalCode === 'SIGKILL';
}

async function rowsOf(dir: string): Promise<readonly Row[]> {
  const lines = (await readFile(join(dir, 'rows.ndjson'), 'utf8')).split('\n');
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as Row];
    } catch {
      // Torn by a kill, so never acknowledged: it is said again.
      return [];
    }
  });
}

test('a process that is killed again and again counts every event once', { timeout: 180_000 }, async () => {
  const dir = await temporaryDir();
  let kills = 0;
  for (let n = 0; n < KILLS; n++) if (await killed(start(dir), 40 + Math.random() * 260)) kills += 1;
  const last = start(dir);
  const [code] = (await once(last, 'close')) as [number | null];
  expect(code).toBe(0);
  expect(kills).toBeGreaterThanOrEqual(KILLS - 1);

  const events = viewStream(EVENTS, { stepMs: 100, disorderMs: 5000 });
  const rows = await rowsOf(dir);
  const table = (name: string) => rows.filter((row) => row['table'] === name);
  expect(latestCounts(table('item_minute'))).toEqual(countViews(events, (event) => event.itemId));
  expect(latestCounts(table('device_minute'))).toEqual(countViews(events, (event) => event.anonymousId));
  const facts = [...factsByPlace(table('clicks')).values()];
  expect(facts.sort()).toEqual([...new Set(events.map((event) => event.eventId))].sort());
  // Without a commit that was lost and said again, the test would prove little.
  expect(table('clicks').length).toBeGreaterThan(facts.length);
});
