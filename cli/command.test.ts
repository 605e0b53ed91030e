import { describe, expect, expectTypeOf, it } from 'vitest';
import { MillraceError } from '../platform/errors.ts';
import { defineCommand, parseCommandLine } from './command.ts';

const command = defineCommand({
  usage: '<source> [options]',
  options: {
    rate: { type: 'integer', default: 200, min: 1, max: 1000, about: 'events a second' },
    speed: { type: 'number', about: 'factor' },
    wait: { type: 'duration', default: '10s', about: 'longest wait' },
    mode: { type: 'string', choices: ['fast', 'safe'], default: 'safe', about: 'how' },
    file: { type: 'list', about: 'input' },
    quiet: { type: 'boolean', about: 'say less' },
  },
  positionals: { min: 1, max: 2 },
  examples: [['replay x', 'plays x']],
  run({ options }) {
    expectTypeOf(options.rate).toEqualTypeOf<number>();
    expectTypeOf(options.speed).toEqualTypeOf<number | undefined>();
    expectTypeOf(options.mode).toEqualTypeOf<'fast' | 'safe'>();
    expectTypeOf(options.file).toEqualTypeOf<readonly string[]>();
    return Promise.resolve(0);
  },
});

const parse = (...args: string[]) => parseCommandLine('replay', command, args);

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'MR_CLI_USAGE') return error.message;
    throw error;
  }
  return 'no error';
}

describe('parseCommandLine', () => {
  it('gives defaults, converted', () => {
    expect(parse('olist')).toEqual({
      options: { rate: 200, speed: undefined, wait: 10_000, mode: 'safe', file: [], quiet: false },
      positionals: ['olist'],
    });
  });

  it('converts what is given', () => {
    const args = ['olist', '--rate', '5', '--speed=2.5', '--wait', '250ms', '--mode', 'fast', '--quiet'];
    expect(parse(...args, '--file', 'a', '--file', 'b').options).toEqual({
      rate: 5,
      speed: 2.5,
      wait: 250,
      mode: 'fast',
      file: ['a', 'b'],
      quiet: true,
    });
  });

  it.each([
    [['x', '--rat', '5'], 'no option --rat; did you mean --rate?'],
    [['x', '--unheard-of'], 'no option --unheard-of'],
    [['x', '--rate', '0'], '--rate needs a whole number from 1 to 1000, not "0"'],
    [['x', '--rate', '1.5'], '--rate needs a whole number from 1 to 1000, not "1.5"'],
    [['x', '--speed', 'quick'], '--speed needs a number, not "quick"'],
    [['x', '--wait', 'long'], '--wait needs a duration such as 250ms, 10s or 5m, not "long"'],
    [['x', '--mode', 'wild'], '--mode is one of fast, safe, not "wild"'],
    [[], 'millrace replay takes 1 to 2 arguments, not 0'],
    [['a', 'b', 'c'], 'millrace replay takes 1 to 2 arguments, not 3'],
  ])('refuses %j', (args, message) => {
    expect(messageOf(() => parse(...args))).toBe(message);
  });

  it('names the option whose value is missing', () => {
    expect(messageOf(() => parse('x', '--rate'))).toContain('--rate');
  });
});
