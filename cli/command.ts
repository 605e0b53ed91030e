import { parseArgs } from 'node:util';
import { MillraceError } from '../platform/errors.ts';
import { nearest } from './nearest.ts';
import { readOption, type OptionTable, type OptionValues } from './option.ts';

/** What a command is given. stdout carries results only; everything meant for a reader goes to stderr. */
export interface CommandContext<Options extends OptionTable = OptionTable> {
  readonly options: OptionValues<Options>;
  readonly positionals: readonly string[];
  /** Writes a line to stdout. */
  readonly print: (line: string) => void;
  /** Writes a line to stderr. */
  readonly note: (line: string) => void;
}

export interface Command<Options extends OptionTable = OptionTable> {
  /** What follows `millrace <name>`: `up|down|status [--install]`. */
  readonly usage: string;
  /** A paragraph for `--help`, below the summary of the table. */
  readonly details?: string;
  readonly options: Options;
  /** How many arguments without dashes it takes. */
  readonly positionals: { readonly min: number; readonly max: number };
  /** Whole command lines after `millrace `, each with what it does. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  /** @returns the exit code; expected failures are thrown as MillraceError. */
  run(context: CommandContext<Options>): Promise<number>;
}

/** A line of the command table; the command is loaded only when it is called. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Command>;
}

/** Gives a command's options their types; the table itself does not need to know them. */
export function defineCommand<const Options extends OptionTable>(command: Command<Options>): Command {
  return command;
}

/** @throws MillraceError MR_CLI_USAGE */
export function parseCommandLine(
  name: string,
  command: Command,
  args: readonly string[],
): Pick<CommandContext, 'options' | 'positionals'> {
  const { values, positionals } = split(name, command, args);
  const options: Record<string, unknown> = {};
  for (const [option, spec] of Object.entries(command.options))
    options[option] = readOption(option, spec, values[option]);
  const { min, max } = command.positionals;
  if (positionals.length < min || positionals.length > max) {
    throw usageError(`millrace ${name} takes ${countText(min, max)}, not ${positionals.length}`, name);
  }
  return { options: options as CommandContext['options'], positionals };
}

function split(name: string, command: Command, args: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([option, spec]) => [
      option,
      {
        type: spec.type === 'boolean' ? ('boolean' as const) : ('string' as const),
        multiple: spec.type === 'list',
      },
    ]),
  );
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, allowNegative: true });
  } catch (cause) {
    // util.parseArgs throws TypeErrors whose codes start with ERR_PARSE_ARGS; anything else is a bug.
    if (!String((cause as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS')) throw cause;
    throw usageError(explain(args, Object.keys(options), cause as Error), name);
  }
}

function explain(args: readonly string[], known: readonly string[], cause: Error): string {
  const unknown = args
    .filter((arg) => arg.startsWith('--') && arg.length > 2)
    .map((arg) => arg.slice(2).replace(/=.*$/, ''))
    .find((option) => !known.includes(option) && !known.includes(option.replace(/^no-/, '')));
  if (unknown === undefined) return cause.message.split('. ')[0] ?? cause.message;
  const suggestion = nearest(unknown, known);
  return `no option --${unknown}${suggestion === undefined ? '' : `; did you mean --${suggestion}?`}`;
}

function countText(min: number, max: number): string {
  if (max === 0) return 'no arguments';
  if (min === max) return `${min} argument${min === 1 ? '' : 's'}`;
  return max === Infinity ? `at least ${min} argument(s)` : `${min} to ${max} arguments`;
}

export function usageError(message: string, name?: string): MillraceError {
  return new MillraceError('MR_CLI_USAGE', message, name === undefined ? {} : { context: { command: name } });
}
