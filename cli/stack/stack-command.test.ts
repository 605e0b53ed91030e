import { expect, it } from 'vitest';
import { parseCommandLine } from '../command.ts';
import { parseServices, stackCommand } from './stack-command.ts';

const run = async (...args: string[]) =>
  stackCommand.run({
    ...parseCommandLine('stack', stackCommand, args),
    print: () => undefined,
    note: () => undefined,
  });

it('takes names in any order, and starts them in its own', () => {
  expect(parseServices('kafka, redis')).toEqual(['redis', 'kafka']);
  expect(parseServices('clickhouse')).toEqual(['clickhouse']);
});

it.each([
  [['up', '--services', 'kafak'], 'no service "kafak"; did you mean kafka?'],
  [['up', '--services', 'mongodb'], 'no service "mongodb": redis, postgres, clickhouse, kafka'],
  [['up', '--services', ','], '--services needs at least one of'],
  [['up', '--brokers', '2'], '--brokers is 1 or 3'],
  [['up', '--brokers', '4'], '--brokers needs a whole number from 1 to 3'],
  [['up', '--heap', '10'], '--heap needs a whole number from 256'],
  [['restart'], 'no action "restart" of stack'],
])('%j is refused before anything starts', async (args, message) => {
  const refusal = run(...args);
  await expect(refusal).rejects.toMatchObject({ code: 'MR_CLI_USAGE' });
  await expect(refusal).rejects.toThrow(message);
});
