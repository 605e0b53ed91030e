import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { silentLogger } from '../../../platform/log.ts';
import { temporaryDir } from '../../../test/harness/temporary-dir.ts';
import { readStuckRecords } from './step-watch.ts';

const CHILD = fileURLToPath(new URL('../../../test/harness/stuck-step-child.ts', import.meta.url));

async function run(dir: string) {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, dir], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (part: Buffer) => (said.stdout += part.toString()));
  child.stderr.on('data', (part: Buffer) => (said.stderr += part.toString()));
  await once(child, 'close');
  return { ...said, signal: child.signalCode };
}

test('a step that never returns ends the process, and its next start passes the record over', async () => {
  const dir = await temporaryDir();
  const stuck = await run(dir);
  expect(stuck.signal).toBe('SIGKILL');
  expect(stuck.stderr).toContain(
    'MR_PROCESS_STEP_STUCK a step did not return within 1000 ms on in/0 at offset 4',
  );
  expect(JSON.parse(await readFile(join(dir, 'stuck-steps.json'), 'utf8'))).toMatchObject([
    { topic: 'in', partition: 0, offset: 4, timeoutMs: 1000 },
  ]);

  const next = await run(dir);
  expect(next.signal).toBeNull();
  // 0 + 1 + 2 + 3 and 5 to 9: what the step had added before it got stuck does not stand.
  const sums = next.stdout.split('\n').filter((line) => line.startsWith('out'));
  expect(sums).toEqual([0, 1, 3, 6, 11, 17, 24, 32, 41].map((sum) => `out ${sum}`));
  expect(next.stdout).toContain('dlq MR_PROCESS_STEP_STUCK 4');
});

test('a list of stuck records that cannot be read is told of and left alone', async () => {
  const file = join(await temporaryDir(), 'stuck-steps.json');
  expect(readStuckRecords(file, silentLogger())).toEqual([]);
  writeFileSync(file, '[{"topic":1}]');
  expect(readStuckRecords(file, silentLogger())).toEqual([]);
});
