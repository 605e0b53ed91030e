import { describe, expect, it } from 'vitest';
import { MillraceError } from '../platform/errors.ts';
import { defineCommand, type CommandEntry } from './command.ts';
import { COMMANDS } from './commands.ts';
import { runCommandLine } from './run.ts';

const work = defineCommand({
  usage: '<how>',
  options: { count: { type: 'integer', default: 3, placeholder: 'n', about: 'how many' } },
  positionals: { min: 1, max: 1 },
  examples: [['work well', 'does it well']],
  run: ({ positionals, options, print }) => {
    if (positionals[0] === 'badly')
      return Promise.reject(new MillraceError('MR_KAFKA_UNAVAILABLE', 'nobody there'));
    if (positionals[0] === 'wrongly') return Promise.reject(new TypeError('x is not a function'));
    print(`did ${options.count}`);
    return Promise.resolve(0);
  },
});

const table: CommandEntry[] = [
  { name: 'work', summary: 'does work', load: () => Promise.resolve(work) },
  { name: 'broken', summary: 'never loaded', load: () => Promise.reject(new Error('must stay unloaded')) },
];

async function run(...args: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCommandLine(table, args, { print: (l) => out.push(l), note: (l) => err.push(l) });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

describe('runCommandLine', () => {
  it('runs a command with its options', async () => {
    expect(await run('work', 'well', '--count', '4')).toEqual({ code: 0, out: 'did 4', err: '' });
  });

  it('lists the commands, without loading one', async () => {
    const { code, out } = await run('--help');
    expect(code).toBe(0);
    expect(out).toContain('work              does work');
  });

  it('shows options, defaults and examples of a command', async () => {
    const { code, out } = await run('work', '--help');
    expect(code).toBe(0);
    expect(out).toContain('usage: millrace work <how>');
    expect(out).toContain('--count <n>  how many (default 3)');
    expect(out).toContain('npm run -s millrace -- work well');
  });

  it('ends with 2 and a suggestion for an unknown command', async () => {
    const { code, err } = await run('wrok');
    expect(code).toBe(2);
    expect(err).toContain('MR_CLI_USAGE: no command "wrok"; did you mean "work"?');
  });

  it('ends with 2 and names the help of the command for an unknown option', async () => {
    const { code, err } = await run('work', 'well', '--cuont', '4');
    expect(code).toBe(2);
    expect(err).toBe(
      'MR_CLI_USAGE: no option --cuont; did you mean --count?\n  fix: Run `millrace work --help`.',
    );
  });

  it('ends with 2 where no command is given', async () => {
    expect((await run()).code).toBe(2);
  });

  it('ends with 1, the code and the fix for an expected failure', async () => {
    const { code, err } = await run('work', 'badly');
    expect(code).toBe(1);
    expect(err).toMatch(/^MR_KAFKA_UNAVAILABLE: nobody there\n {2}fix: Check MR_KAFKA_BROKERS/);
  });

  it('ends with 70 and the stack for a bug', async () => {
    const { code, err } = await run('work', 'wrongly');
    expect(code).toBe(70);
    expect(err).toMatch(/TypeError: x is not a function\n\s+at .*run\.test\.ts/);
  });
});

describe('the command table', () => {
  it('loads every command, each with examples that start with its name', async () => {
    for (const entry of COMMANDS) {
      const command = await entry.load();
      expect(command.examples.length, entry.name).toBeGreaterThan(0);
      for (const [line] of command.examples) expect(line.split(' ')[0]).toBe(entry.name);
    }
  });

  it('has each name once', () => {
    const names = COMMANDS.map((entry) => entry.name);
    expect(new Set(names).size).toBe(names.length);
  });
});
