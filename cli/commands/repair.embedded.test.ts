import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openEmbeddedLog } from '../../platform/kafka/embedded/index.ts';
import { silentLogger } from '../../platform/log.ts';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { COMMANDS } from '../commands.ts';
import { runCommandLine } from '../run.ts';

async function run(...args: string[]) {
  const printed: string[] = [];
  const noted: string[] = [];
  const output = { print: (line: string) => printed.push(line), note: (line: string) => noted.push(line) };
  const code = await runCommandLine(COMMANDS, ['repair', ...args], output);
  return { code, noted: noted.join('\n'), result: JSON.parse(printed.at(-1) ?? 'null') as unknown };
}

it('tells of damage, cuts it out and says what it cost', async () => {
  const dataDir = await temporaryDir();
  const dir = join(dataDir, 'log');
  const open = () => openEmbeddedLog({ dir, log: silentLogger() });
  let kafka = await open();
  await kafka.admin.ensureTopics([{ topic: 't', partitions: 1 }]);
  for (const value of ['first', 'second', 'third'])
    await kafka.producer().send([{ topic: 't', key: null, value: Buffer.from(value) }]);
  expect(await run('--data-dir', dataDir)).toMatchObject({
    code: 1,
    noted: expect.stringContaining('MR_EMBEDDED_IN_USE') as string,
  });
  await kafka.close();
  expect(await run('--data-dir', dataDir)).toMatchObject({
    code: 0,
    result: { faults: [], isRepaired: false },
  });
  const path = join(dir, readdirSync(dir).find((name) => name.endsWith('.log')) ?? '');
  const bytes = readFileSync(path);
  bytes.write('SECOND', bytes.indexOf('second'));
  writeFileSync(path, bytes);
  const told = await run('--dry-run', '--data-dir', dataDir);
  expect(told).toMatchObject({ code: 1, result: { dryRun: true, isRepaired: false } });
  const done = await run('--data-dir', dataDir);
  expect(done).toMatchObject({
    code: 0,
    result: {
      isRepaired: true,
      lost: [{ topic: 't', partition: 0, firstOffset: 1, lastOffset: 2, records: 2 }],
    },
  });
  expect(done.noted).toContain(`damaged: ${path}, byte `);
  expect(done.noted).toContain('lost: t/0, offsets 1 to 2, 2 records at most');
  kafka = await open();
  const values: (string | undefined)[] = [];
  for await (const batch of kafka.readToEnd({ topic: 't', partition: 0 }))
    values.push(...batch.records.map(({ value }) => value?.toString()));
  expect(values).toEqual(['first']);
  await kafka.close();
});
