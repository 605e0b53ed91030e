import { usageError } from './command.ts';
import { didYouMean } from './nearest.ts';

/**
 * The action of a command by its name.
 * @throws MillraceError MR_CLI_USAGE with the nearest one, and all
 */
export function namedAction<A>(actions: Readonly<Record<string, A>>, name: string, command: string): A {
  const action = actions[name];
  if (action !== undefined) return action;
  const known = Object.keys(actions);
  throw usageError(`no action "${name}"${didYouMean(name, known)} (${known.join(', ')})`, command);
}
