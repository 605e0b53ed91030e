import { logReader } from '../../platform/kafka/log-reader.ts';
import { shopApplication } from '../../processors/application.ts';
import { expectedOnline } from '../../processors/runtime/audit/expected-online.ts';
import { rebuildOnline } from '../../processors/runtime/audit/rebuild-online.ts';
import { findChangelogs, type Changelog } from '../../processors/runtime/state-tools/changelogs.ts';
import { openLog, openStore } from '../backends.ts';
import type { CommandContext } from '../command.ts';
import type { Session } from '../session.ts';
import { notFound } from '../state/open-state.ts';
import { requireStopped } from './require-stopped.ts';

/** `rebuild online`: the online store from the state. @param tasks all where there is none */
export async function online(
  session: Session,
  { print, note }: Pick<CommandContext, 'print' | 'note'>,
  tasks: readonly string[],
): Promise<number> {
  const { config, own } = session;
  const wanted = new Set(tasks);
  // Beside a running owner nothing is rebuilt, even if its state could be read.
  if (config.kafka.brokers.length === 0) await own();
  const application = shopApplication(config);
  const kafka = await openLog(session);
  const log = logReader(kafka);
  requireTasks(await findChangelogs(log, config.namespace), wanted);
  const store = await openStore(session);
  const mustBeStopped = () => requireStopped(kafka, application.groupId);
  await mustBeStopped();
  const expected = expectedOnline(log, application, (task) => wanted.size === 0 || wanted.has(task));
  const isWhole = wanted.size === 0;
  const report = await rebuildOnline(store, expected, {
    ...{ now: Date.now, isWhole, requireStopped: mustBeStopped },
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
