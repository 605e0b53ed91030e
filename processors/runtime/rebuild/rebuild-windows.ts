import type { Row } from '../../../platform/clickhouse/port.ts';
import { logReader } from '../../../platform/kafka/log-reader.ts';
import type { Kafka } from '../../../platform/kafka/port.ts';
import { namespaced } from '../../../schemas/topics.ts';
import type { AccountReader } from '../audit/account-reader.ts';
import { OUTBOX, readPart } from '../state/outbox.ts';
import type { Application } from '../state-tools/application.ts';
import { storeOf } from '../state-tools/changelog-key.ts';
import { findChangelogs, rangesOf, recordsOf } from '../state-tools/changelogs.ts';
import type { Subtopology } from '../topology.ts';
import { claimsOf } from './claims.ts';
import { addReports, emptyReport, type RebuildReport } from './report.ts';
import { secondRun, type SecondRunOptions } from './second-run.ts';
import { solveFromRemade } from './solve-from-remade.ts';
import { WindowRebuild, type WindowRebuildOptions } from './window-rebuild.ts';

export interface RebuildWindowsOptions
  extends WindowRebuildOptions,
    Omit<SecondRunOptions, 'subtopologies' | 'onRows' | 'namespace' | 'groupId' | 'endedAtMs'> {
  readonly application: Application;
  /** Up to date. */
  readonly accounts: AccountReader;
}

/** Events are in the log a little after they happened. */
const SLACK_MS = 3_600_000;

/**
 * Makes window tables hold what the tasks have committed. The journals of the tasks tell which rows are right; those that
 * are not come from rows that others hide, from the state of the tasks, and, where that is not enough, from a second run of
 * the topology over the log, whose rows count where the journal proves them.
 * @throws MillraceError MR_REBUILD_CONTESTED where another writer undoes it
 */
export async function rebuildWindows(
  names: readonly string[],
  options: RebuildWindowsOptions,
): Promise<RebuildReport> {
  const claims = claimsOf(options.accounts);
  const tables: WindowRebuild[] = [];
  for (const name of names) {
    const table = await WindowRebuild.open(name, { ...options, claims: claims(name) });
    await table.compare();
    tables.push(table);
  }
  const hurt = tables.filter(({ lost }) => lost.size > 0);
  if (hurt.length > 0) await solveFromChangelogs(hurt, options);
  const open = tables.filter(({ lost, claims: { isWhole } }) => lost.size > 0 || !isWhole);
  if (open.length > 0) await solveBySecondRun(open, options);
  let report = emptyReport();
  for (const table of tables) report = addReports(report, await table.publish());
  return report;
}

/** The changelogs have the rows of the last commit of each task, and those of earlier ones until they are compacted. */
async function solveFromChangelogs(
  hurt: readonly WindowRebuild[],
  { application, kafka, onStep }: RebuildWindowsOptions,
): Promise<void> {
  const log = logReader(kafka);
  const byName = new Map(hurt.map((table) => [table.table, table]));
  const writers = new Set(hurt.flatMap(({ claims }) => claims.writers.map(({ subtopology }) => subtopology)));
  onStep('looking for lost rows in the changelogs');
  for (const changelog of await findChangelogs(log, application.namespace)) {
    if (!writers.has(changelog.subtopology)) continue;
    for (const range of rangesOf(changelog)) {
      if (hurt.every(({ lost }) => lost.size === 0)) return;
      for await (const records of recordsOf(log, range))
        for (const { key, value } of records) {
          if (key === null || value === null || storeOf(key) !== OUTBOX) continue;
          const { table, rows } = readPart(value.toString('utf8'));
          await byName.get(table)?.solveFrom(rows);
        }
    }
  }
}

async function solveBySecondRun(
  open: readonly WindowRebuild[],
  options: RebuildWindowsOptions,
): Promise<void> {
  const { application } = options;
  const subtopologies = neededFor(open, application.subtopologies);
  if (subtopologies.length === 0) return;
  const byName = new Map(open.map((table) => [table.table, table]));
  try {
    for (const table of open) await table.rows.beginRemade();
    await secondRun({
      ...{
        ...options,
        subtopologies,
        namespace: application.namespace,
        groupId: application.groupId,
        endedAtMs: endOf(options),
      },
      onRows: async (name: string, rows: readonly Row[]) => byName.get(name)?.rows.addRemade(rows),
    });
    const logBeginsMs = await beginOf(subtopologies, options);
    for (const table of open) await solveFromRemade(table, { logBeginsMs });
  } finally {
    for (const table of open) await table.rows.dropRemade();
  }
}

/** When the application said something last. */
function endOf({ accounts }: RebuildWindowsOptions): number {
  const times = accounts.tasks.flatMap(({ mark }) => mark?.atMs ?? []);
  return times.length === 0 ? Date.now() : Math.max(...times);
}

/** Sub-topologies that write the tables, and those that they read of. */
function neededFor(
  tables: readonly WindowRebuild[],
  subtopologies: readonly Subtopology[],
): readonly Subtopology[] {
  const writers = new Set(
    tables.flatMap(({ claims }) => claims.writers.map(({ subtopology }) => subtopology)),
  );
  let needed = subtopologies.filter(({ name }) => writers.has(name));
  for (let size = -1; size !== needed.length; ) {
    size = needed.length;
    const read = new Set(needed.flatMap(({ inputs }) => inputs.map(({ topic }) => topic)));
    needed = subtopologies.filter(
      (one) => needed.includes(one) || (one.outputs ?? []).some(({ topic }) => read.has(topic)),
    );
  }
  return needed;
}

/** From when on nothing is missing of the inputs; undefined where nothing has left them. */
async function beginOf(
  subtopologies: readonly Subtopology[],
  { kafka, application: { namespace } }: RebuildWindowsOptions,
): Promise<number | undefined> {
  let beginsMs: number | undefined;
  for (const contract of new Set(subtopologies.flatMap(({ inputs }) => inputs.map(({ topic }) => topic)))) {
    const topic = namespaced(namespace, contract);
    if (subtopologies.some(({ outputs = [] }) => outputs.some((output) => output.topic === contract)))
      continue;
    for (const { partition, start } of await kafka.admin.offsets(topic)) {
      if (start === 0) continue;
      const firstMs = (await firstTimeOf(kafka, { topic, partition })) ?? Number.POSITIVE_INFINITY;
      beginsMs = Math.max(beginsMs ?? 0, firstMs + SLACK_MS);
    }
  }
  return beginsMs;
}

async function firstTimeOf(
  kafka: Kafka,
  place: { readonly topic: string; readonly partition: number },
): Promise<number | undefined> {
  for await (const { records } of kafka.readToEnd(place)) {
    const [first] = records;
    if (first !== undefined) return first.timestampMs;
  }
  return undefined;
}
