import type { Command, CommandEntry } from './command.ts';
import type { OptionSpec } from './option.ts';

/** The text of `millrace --help`. */
export function tableHelp(entries: readonly CommandEntry[]): string {
  const rows = entries.map((entry): [string, string] => [entry.name, entry.summary]);
  return [
    'Millrace: real-time analytics and recommendations for online shops.',
    '',
    'usage: npm run -s millrace -- <command> [options]',
    '',
    ...columns([...rows, ['<command> --help', 'options and examples of a command']]),
    '',
  ].join('\n');
}

/** The text of `millrace <command> --help`. */
export function commandHelp(entry: Pick<CommandEntry, 'name' | 'summary'>, command: Command): string {
  const options = Object.entries(command.options).map(([name, spec]): [string, string] => [
    optionSyntax(name, spec),
    `${spec.about}${optionDefault(spec)}`,
  ]);
  const examples = command.examples.map(([line, does]): [string, string] => [
    `npm run -s millrace -- ${line}`,
    does,
  ]);
  return [
    `millrace ${entry.name}: ${entry.summary}`,
    '',
    `usage: millrace ${entry.name} ${command.usage}`.trimEnd(),
    ...(command.details === undefined ? [] : ['', command.details]),
    '',
    'options:',
    ...columns([...options, ['--help', 'this text']]),
    '',
    'examples:',
    ...examples.flatMap(([line, does]) => [`  # ${does}`, `  ${line}`]),
    '',
  ].join('\n');
}

function optionSyntax(name: string, spec: OptionSpec): string {
  if (spec.type === 'boolean') return `--${name}`;
  const choices = spec.type === 'string' ? spec.choices?.join('|') : undefined;
  return `--${name} <${spec.placeholder ?? choices ?? spec.type}>`;
}

function optionDefault(spec: OptionSpec): string {
  return 'default' in spec && spec.default !== '' ? ` (default ${spec.default})` : '';
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
