import { openReader, rowInsert } from '../backends.ts';
import { APPLICATION_OPTIONS, configOfApplication } from '../application-options.ts';
import { defineCommand, usageError, type CommandContext } from '../command.ts';
import { listJson, listLetters, listText } from '../dlq/list.ts';
import { selectionOf } from '../dlq/open-letters.ts';
import { redriveHere, redriveThere, type RedriveRequest } from '../dlq/redrive.ts';
import { showLetter } from '../dlq/show.ts';
import { namedAction } from '../named-action.ts';
import { withSession, type Session } from '../session.ts';
import { requireLog } from '../state/open-state.ts';

const OPTIONS = {
  topic: {
    type: 'string',
    placeholder: 'name',
    about: 'redrive: letters of this topic alone, by its name or that of its dead letters',
  },
  partition: { type: 'integer', placeholder: 'n', min: 0, about: 'redrive: of this partition alone' },
  offset: { type: 'list', placeholder: 'n', about: 'redrive: this letter alone; may be repeated' },
  key: { type: 'string', placeholder: 'text', about: 'redrive: letters of this key alone' },
  code: { type: 'string', placeholder: 'MR_…', about: 'list, redrive: with this code alone' },
  since: {
    type: 'string',
    placeholder: 'time',
    about: 'list, redrive: put aside since then: 2026-01-02T03:04:05Z, or 2h ago as 2h',
  },
  limit: { type: 'integer', placeholder: 'n', min: 0, default: 20, about: 'list: how many letters to name' },
  raw: {
    type: 'string',
    placeholder: 'how',
    choices: ['hex', 'base64'],
    about: 'show: the bytes of key and value as they are',
  },
  reveal: { type: 'boolean', about: 'show: personal data too, which is masked otherwise' },
  'dry-run': { type: 'boolean', about: 'redrive: say what would be sent, and send nothing' },
  extend: {
    type: 'boolean',
    about: 'redrive: also earlier letters of the same keys, which have to go first',
  },
  again: { type: 'boolean', about: 'redrive: also letters that were sent before' },
  json: { type: 'boolean', about: 'list, show, redrive: JSON alone' },
  ...APPLICATION_OPTIONS,
} as const;

type Context = CommandContext<typeof OPTIONS>;

interface Action {
  readonly usage: string;
  readonly args: { readonly min: number; readonly max: number };
  run(session: Session, context: Context, args: readonly string[]): Promise<number>;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  list: { usage: 'list [topic]', args: { min: 0, max: 1 }, run: list },
  show: { usage: 'show <topic>/<partition>/<offset>', args: { min: 1, max: 1 }, run: show },
  redrive: { usage: 'redrive', args: { min: 0, max: 0 }, run: redriveLetters },
};

async function list(session: Session, context: Context, args: readonly string[]): Promise<number> {
  const { options, print } = context;
  const { namespace } = session.config;
  const { log } = await openReader(session);
  const { code, since, limit } = options;
  const selection = await selectionOf(log, namespace, { topic: args[0] ?? options.topic, code, since });
  const found = await listLetters(log, namespace, { selection, limit });
  if (!options.json) for (const line of listText(found)) print(line);
  print(JSON.stringify({ namespace, ...listJson(found) }));
  return 0;
}

async function show(session: Session, context: Context, args: readonly string[]): Promise<number> {
  const { options, print } = context;
  const { log } = await openReader(session);
  const { raw, reveal, json } = options;
  const shown = await showLetter(log, session.config.namespace, { id: args[0] ?? '', raw, reveal });
  print(JSON.stringify(shown, null, json ? undefined : 2));
  return 0;
}

async function redriveLetters(session: Session, { options, print, note }: Context): Promise<number> {
  const { namespace, dataDir } = session.config;
  const { kafka, log } = await openReader(session);
  const { again, extend, json, 'dry-run': dryRun, ...chosen } = options;
  const selection = await selectionOf(log, namespace, chosen);
  const request = { namespace, selection, again, extend, dryRun } as RedriveRequest;
  const report = await (kafka === undefined
    ? redriveThere(dataDir, request)
    : redriveHere(kafka, rowInsert(session), request));
  if (!json) for (const { letter, reason } of report.left) note(`${letter} is not sent: ${reason}`);
  print(JSON.stringify({ namespace, ...report }));
  return 0;
}

export const dlqCommand = defineCommand({
  usage: 'list [topic] | show <topic>/<partition>/<offset> | redrive  [options]',
  details:
    'Dead letters: records that could not be read or processed, and results that a topic or a table refused, each alone\n' +
    'and as it was. On Kafka, in the embedded log, and beside a running demo or start through the control socket of its\n' +
    'data folder. docs/dead-letters.md has the headers and what a redrive promises.\n' +
    '  list     counts by topic, partition, code and step, and the newest letters\n' +
    '  show     one letter: why, where from, and what it holds\n' +
    '  redrive  sends letters back to where they came from, those of one key in their order, each once; cut off, it goes\n' +
    '           on when it is started again',
  options: OPTIONS,
  positionals: { min: 1, max: 2 },
  examples: [
    ['dlq list --data-dir .millrace/demo', 'what was put aside, while the demo runs or afterwards'],
    [
      'dlq list shop.orders --code MR_SCHEMA_DECODE --since 2h',
      'of one topic, with one code, of the last two hours',
    ],
    ['dlq show shop.orders.dlq/3/42', 'why the letter is there, and what it holds'],
    [
      'dlq redrive --code MR_PROCESS_STEP_FAILED --dry-run',
      'what a redrive would send after the step was mended',
    ],
    ['dlq redrive --topic shop.orders --key order-7', 'send the letters of one order again'],
    [
      'dlq redrive --topic shop.orders --partition 3 --offset 42 --extend',
      'one letter, and those that go before it',
    ],
  ],
  async run(context) {
    const { options } = context;
    const [name = '', ...args] = context.positionals;
    const action = namedAction(ACTIONS, name, 'dlq');
    if (args.length < action.args.min || args.length > action.args.max)
      throw usageError(`usage: millrace dlq ${action.usage}`, 'dlq');
    const config = configOfApplication(options);
    return withSession(config, `dlq ${name}`, (session) => {
      requireLog(session.config);
      return action.run(session, context, args);
    });
  },
});
