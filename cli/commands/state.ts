import { APPLICATION_OPTIONS, configOfApplication } from '../application-options.ts';
import { defineCommand, usageError, type CommandContext } from '../command.ts';
import { namedAction } from '../named-action.ts';
import { withSession, type Session } from '../session.ts';
import { exportTo } from '../state/export.ts';
import { entryJson, entryText, getEntry } from '../state/get.ts';
import { listJson, listState, listText } from '../state/list.ts';
import { openState } from '../state/open-state.ts';
import { reset, restore, save } from '../state/savepoint.ts';

const OPTIONS = {
  subtopology: {
    type: 'list',
    placeholder: 'name',
    about: 'list, reset: this sub-topology; may be repeated',
  },
  store: { type: 'string', placeholder: 'name', about: 'export: this store alone' },
  out: { type: 'string', placeholder: 'file', about: 'export: a file instead of standard output' },
  yes: { type: 'boolean', about: 'reset: really' },
  connected: { type: 'boolean', about: 'reset: also those that have to be reset with the ones named' },
  json: { type: 'boolean', about: 'list, get: JSON alone' },
  ...APPLICATION_OPTIONS,
} as const;

type Context = CommandContext<typeof OPTIONS>;

/** What is asked for, with how many arguments after its name, and what does it. */
interface Action {
  readonly args: readonly string[];
  run(session: Session, context: Context, args: readonly string[]): Promise<number>;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  list: { args: [], run: list },
  get: { args: ['<sub-topology>', '<store>', '<key>'], run: get },
  export: { args: ['<sub-topology>'], run: exportEntries },
  savepoint: { args: ['<folder>'], run: saveState },
  restore: { args: ['<folder>'], run: restoreState },
  reset: { args: [], run: resetAll },
};

async function list(session: Session, { options, print }: Context): Promise<number> {
  const surveys = await listState(await openState(session), options.subtopology);
  if (!options.json) for (const line of listText(surveys)) print(line);
  print(JSON.stringify({ namespace: session.config.namespace, tasks: listJson(surveys) }));
  return 0;
}

async function get(session: Session, { options, print }: Context, args: readonly string[]): Promise<number> {
  const [subtopology = '', store = '', key = ''] = args;
  const found = await getEntry(await openState(session), { subtopology, store, key });
  if (!options.json) for (const entry of found) for (const line of entryText(entry)) print(line);
  print(JSON.stringify({ subtopology, store, key, found: found.map(entryJson) }));
  return 0;
}

async function exportEntries(session: Session, context: Context, args: readonly string[]): Promise<number> {
  const { options, print, note } = context;
  const { store, out } = options;
  const state = await openState(session);
  const report = await exportTo(state, { subtopology: args[0] ?? '', store, out, print });
  const result = JSON.stringify({ ...report, out: out ?? null });
  // The lines themselves are the result where they go to standard output.
  if (out === undefined) note(result);
  else print(result);
  return 0;
}

async function saveState(
  session: Session,
  { print, note }: Context,
  args: readonly string[],
): Promise<number> {
  const report = await save(session, args[0] ?? '');
  if (report.leftOut.length > 0)
    note(`left out, since this program does not have them: ${report.leftOut.join(', ')}`);
  print(JSON.stringify(report));
  return 0;
}

async function restoreState(
  session: Session,
  { print, note }: Context,
  args: readonly string[],
): Promise<number> {
  const report = await restore(session, args[0] ?? '');
  if (report.topologyChanged) note('this program has other stores or topics than the one that was saved');
  print(JSON.stringify(report));
  return 0;
}

async function resetAll(session: Session, { options, print }: Context): Promise<number> {
  const { subtopology: subtopologies, connected, yes } = options;
  if (!yes) {
    const what = subtopologies.length === 0 ? 'all tasks' : `the tasks of ${subtopologies.join(', ')}`;
    throw usageError(`a reset deletes the state of ${what}: add --yes`, 'state');
  }
  print(JSON.stringify(await reset(session, { subtopologies, connected })));
  return 0;
}

export const stateCommand = defineCommand({
  usage:
    'list | get <sub-topology> <store> <key> | export <sub-topology> | savepoint <folder> | restore <folder> | reset  [options]',
  details:
    'The keyed state of the stream tasks, read from their changelogs: on Kafka, in the embedded log, and beside a running\n' +
    'demo or start through the control socket of its data folder. docs/streams/state.md explains all of it.\n' +
    '  list       a row for each task and store, with its watermark; the last line is JSON\n' +
    '  get        an entry by its key, looked for in every task\n' +
    '  export     all entries as JSON lines, each task as of one of its commits\n' +
    '  savepoint  a copy of the state of all tasks as of one moment, taken also while they run\n' +
    '  restore    puts an application that does not run back to a savepoint; cut off, it has to be done again\n' +
    '  reset      deletes the state of an application that does not run: it starts over with what its topics have',
  options: OPTIONS,
  positionals: { min: 1, max: 4 },
  examples: [
    ['state list --data-dir .millrace/demo', 'what the tasks of the demo keep, while it runs or afterwards'],
    ['state get visitor visitors device-1 --json', 'one entry, as JSON'],
    ['state export items --out items.jsonl', 'all state of a sub-topology'],
    ['state savepoint before-upgrade', 'save the state of all tasks in a new folder'],
    ['state restore before-upgrade', 'go back to it'],
    ['state reset --yes', 'start over'],
  ],
  async run(context) {
    const { options } = context;
    const [name = '', ...args] = context.positionals;
    const action = namedAction(ACTIONS, name, 'state');
    if (args.length !== action.args.length)
      throw usageError(`usage: millrace ${['state', name, ...action.args].join(' ')}`, 'state');
    const config = configOfApplication(options);
    return withSession(config, `state ${name}`, (session) => action.run(session, context, args));
  },
});
