import { APPLICATION_OPTIONS, configOfApplication } from '../application-options.ts';
import { defineCommand, usageError, type CommandContext } from '../command.ts';
import { namedAction } from '../named-action.ts';
import { online } from '../rebuild/online.ts';
import { requireTables, tables } from '../rebuild/tables.ts';
import { withSession, type Session } from '../session.ts';
import { requireLog } from '../state/open-state.ts';

const OPTIONS = {
  task: { type: 'list', placeholder: 'name', about: 'online: this task, such as visitor-3; may be repeated' },
  table: { type: 'list', placeholder: 'name', about: 'tables: this table; may be repeated' },
  check: {
    type: 'boolean',
    about: 'tables: say what would be done, and do nothing; exit code 1 where there is any',
  },
  ...APPLICATION_OPTIONS,
} as const;

type Context = CommandContext<typeof OPTIONS>;

interface Action {
  /** Options of other actions say nothing here. */
  readonly foreign: readonly (keyof typeof OPTIONS)[];
  run(session: Session, context: Context): Promise<number>;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  online: {
    foreign: ['table', 'check'],
    run: (session, context) => online(session, context, context.options.task),
  },
  tables: {
    foreign: ['task'],
    run: (session, context) =>
      tables(session, context, { tables: context.options.table, isDry: context.options.check }),
  },
};

export const rebuildCommand = defineCommand({
  usage: 'online [--task <name>…] | tables [--table <name>…] [--check]  [options]',
  details:
    'Makes a store what the stream tasks have committed, while they do not run, whatever was done to it. What is right is\n' +
    'left alone; cut off, it is run again. docs/rebuild.md explains both.\n' +
    '  online   the online store from the state: keys that are missing or differ are written with what is left of their\n' +
    '           time to live, those that nothing in the state stands behind are deleted, without --task also those of nobody\n' +
    '  tables   facts and window results in ClickHouse from the log. The last line is JSON; exit code 1 where something is\n' +
    '           wrong that the log does not tell any more',
  options: OPTIONS,
  positionals: { min: 1, max: 1 },
  examples: [
    ['rebuild online', 'every key, from the state'],
    ['rebuild online --task visitor-3', 'those of one task'],
    ['rebuild tables --check', 'what is wrong with the tables'],
    ['rebuild tables', 'every table, from the log'],
    ['rebuild tables --table payments --table sessions', 'two of them'],
  ],
  async run(context) {
    const { options, positionals } = context;
    const [name = ''] = positionals;
    const action = namedAction(ACTIONS, name, 'rebuild');
    for (const option of action.foreign) {
      const value = options[option];
      if (Array.isArray(value) ? value.length > 0 : value === true)
        throw usageError(`--${option} says nothing of \`rebuild ${name}\``, 'rebuild');
    }
    requireTables(options.table);
    const config = configOfApplication(options);
    return withSession(config, `rebuild ${name}`, (session) => {
      requireLog(session.config);
      return action.run(session, context);
    });
  },
});
