import { loadConfig } from '../../platform/config.ts';
import { MillraceError } from '../../platform/errors.ts';
import { logReader } from '../../platform/kafka/log-reader.ts';
import { shopApplication } from '../../processors/application.ts';
import { expectedOnline } from '../../processors/runtime/audit/expected-online.ts';
import { rebuildOnline } from '../../processors/runtime/audit/rebuild-online.ts';
import { findChangelogs, type Changelog } from '../../processors/runtime/state-tools/changelogs.ts';
import { openLog, openStore } from '../backends.ts';
import { defineCommand, usageError, type CommandContext } from '../command.ts';
import { withSession, type Session } from '../session.ts';
import { notFound, requireLog } from '../state/open-state.ts';

const OPTIONS = {
  task: { type: 'list', placeholder: 'name', about: 'this task, such as visitor-3; may be repeated' },
  namespace: {
    type: 'string',
    placeholder: 'name',
    about: 'namespace of the application; MR_NAMESPACE where absent',
  },
  'data-dir': { type: 'string', placeholder: 'folder', about: 'data folder; MR_DATA_DIR where absent' },
} as const;

async function online(session: Session, { options, print, note }: CommandContext<typeof OPTIONS>) {
  const { config, own } = session;
  const wanted = new Set(options.task);
  // Beside a running owner nothing is rebuilt, even if its state could be read.
  if (config.kafka.brokers.length === 0) await own();
  const application = shopApplication(config);
  requireLog(config);
  const kafka = await openLog(session);
  const log = logReader(kafka);
  requireTasks(await findChangelogs(log, config.namespace), wanted);
  const store = await openStore(session);
  const requireStopped = async () => {
    const members = await kafka.admin.groupMembers(application.groupId);
    if (members > 0)
      throw new MillraceError(
        'MR_STATE_RUNNING',
        `the application runs (${members} in its consumer group): end it, then rebuild again`,
        { context: { members } },
      );
  };
  await requireStopped();
  const expected = expectedOnline(log, application, (task) => wanted.size === 0 || wanted.has(task));
  const isWhole = wanted.size === 0;
  const report = await rebuildOnline(store, expected, {
    ...{ now: Date.now, isWhole, requireStopped },
    onTask: (task) => note(`rebuilding the keys of ${task}`),
  });
  print(JSON.stringify({ namespace: config.namespace, ...report }));
  return 0;
}

function requireTasks(changelogs: readonly Changelog[], wanted: ReadonlySet<string>): void {
  const known = changelogs.flatMap(({ subtopology, partitions }) =>
    partitions.map(({ partition }) => `${subtopology}-${partition}`),
  );
  for (const task of wanted) if (!known.includes(task)) throw notFound('task', task, known);
}

export const rebuildCommand = defineCommand({
  usage: 'online [--task <name>…] [options]',
  details:
    'Makes the online store what the state of the stream tasks says, while they do not run: keys that are missing or differ\n' +
    'are written with what is left of their time to live, those that nothing in the state stands behind are deleted. Without\n' +
    '--task, keys of nobody are deleted too. Cut off, it is run again. docs/online-store.md explains it.',
  options: OPTIONS,
  positionals: { min: 1, max: 1 },
  examples: [
    ['rebuild online', 'every key, from the state'],
    ['rebuild online --task visitor-3', 'those of one task'],
  ],
  async run(context) {
    const { options, positionals } = context;
    if (positionals[0] !== 'online')
      throw usageError('usage: millrace rebuild online [--task <name>…]', 'rebuild');
    const config = loadConfig(
      {
        ...(options['data-dir'] === undefined ? {} : { MR_DATA_DIR: options['data-dir'] }),
        ...(options.namespace === undefined ? {} : { MR_NAMESPACE: options.namespace }),
      },
      { MR_LOG_LEVEL: 'warn' },
    );
    return withSession(config, 'rebuild online', (session) => online(session, context));
  },
});
