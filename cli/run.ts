import { MillraceError } from '../platform/errors.ts';
import { parseCommandLine, usageError, type CommandContext, type CommandEntry } from './command.ts';
import { nearest } from './nearest.ts';
import { commandHelp, tableHelp } from './usage-text.ts';

/** Exit codes: sysexits(3) gives EX_SOFTWARE for a bug. */
export const EXIT = { ok: 0, failed: 1, usage: 2, bug: 70 } as const;

export type Output = Pick<CommandContext, 'print' | 'note'>;

/**
 * Runs a command line of the table and turns every failure into an exit code: 1 for an expected failure, 2 for a wrong
 * command line, 70 for a bug (with its stack). Never throws.
 */
export async function runCommandLine(
  entries: readonly CommandEntry[],
  args: readonly string[],
  output: Output,
): Promise<number> {
  try {
    return await dispatch(entries, args, output);
  } catch (error) {
    return report(error, output);
  }
}

async function dispatch(entries: readonly CommandEntry[], args: readonly string[], output: Output) {
  const [name, ...rest] = args;
  if (name === undefined) {
    output.note(tableHelp(entries));
    return EXIT.usage;
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    output.print(tableHelp(entries));
    return EXIT.ok;
  }
  const entry = entries.find((candidate) => candidate.name === name);
  if (entry === undefined) throw unknownCommand(name, entries);
  const command = await entry.load();
  if (asksForHelp(rest)) {
    output.print(commandHelp(entry, command));
    return EXIT.ok;
  }
  return command.run({ ...parseCommandLine(name, command, rest), ...output });
}

/** `--help` counts anywhere before a `--`. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end === -1 ? undefined : end).some((arg) => arg === '--help' || arg === '-h');
}

function unknownCommand(name: string, entries: readonly CommandEntry[]): MillraceError {
  const names = entries.map((entry) => entry.name);
  const suggestion = nearest(name, names);
  return usageError(
    `no command "${name}"${suggestion === undefined ? '' : `; did you mean "${suggestion}"?`}`,
  );
}

/** Writes what a reader needs to know about a failure and returns the exit code for it. */
export function report(error: unknown, output: Pick<Output, 'note'>): number {
  if (error instanceof MillraceError && error.code !== 'MR_INTERNAL') {
    output.note(`${error.code}: ${error.message}`);
    output.note(`  fix: ${fixOf(error)}`);
    return error.code === 'MR_CLI_USAGE' ? EXIT.usage : EXIT.failed;
  }
  output.note(error instanceof Error ? (error.stack ?? error.message) : String(error));
  output.note('  This is a bug of Millrace; please report it with the lines above.');
  return EXIT.bug;
}

function fixOf(error: MillraceError): string {
  const command = error.context['command'];
  return error.code === 'MR_CLI_USAGE' && typeof command === 'string'
    ? `Run \`millrace ${command} --help\`.`
    : error.fix;
}
