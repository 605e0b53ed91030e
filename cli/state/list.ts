import { surveyTasks, type TaskSurvey } from '../../processors/runtime/state-tools/survey.ts';
import type { Changelog } from '../../processors/runtime/state-tools/changelogs.ts';
import { Progress } from '../progress.ts';
import { requireChangelog, type OpenState } from './open-state.ts';
import { bytesText, tableText, timeText } from './table.ts';

/** What the tasks keep, of the named sub-topologies or of all. */
export async function listState(
  state: OpenState,
  subtopologies: readonly string[],
): Promise<readonly TaskSurvey[]> {
  const chosen =
    subtopologies.length === 0
      ? state.changelogs
      : subtopologies.map((name) => requireChangelog(state, name));
  const progress = new Progress('reading changelogs', { unit: 'offsets', total: offsetsOf(chosen) });
  let read = 0;
  const surveys: TaskSurvey[] = [];
  for (const changelog of chosen)
    surveys.push(
      ...(await surveyTasks(state.log, changelog, (offsets) => progress.update((read += offsets)))),
    );
  progress.finish(read);
  return surveys;
}

/** Offsets in the changelogs, those that are empty included. */
export function offsetsOf(changelogs: readonly Changelog[]): number {
  return changelogs.reduce(
    (sum, { partitions }) => partitions.reduce((all, { start, end }) => all + end - start, sum),
    0,
  );
}

const LAYOUT_WIDTH = 48;
const HEAD = [
  'sub-topology',
  'part',
  'store',
  'version',
  'entries',
  'records',
  'changelog',
  'watermark',
  'epoch',
  'layout',
];

/** A table for people: a row for each task and store. */
export function listText(surveys: readonly TaskSurvey[]): readonly string[] {
  const rows = surveys.flatMap((task) => {
    const { subtopology, partition, watermarkMs, taskEpoch } = task;
    const tail = [task.isReplacing ? 'half replaced' : timeText(watermarkMs), taskEpoch] as const;
    if (task.stores.length === 0) return [[subtopology, partition, '(none)', '-', 0, 0, '-', ...tail, '-']];
    return task.stores.map(({ store, layout, version, entries, records, bytes }) => [
      ...[subtopology, partition, store, version ?? '-', entries ?? '-', records, bytesText(bytes)],
      ...[...tail, shortened(layout ?? '-')],
    ]);
  });
  return tableText(HEAD, rows);
}

/** Layouts of aggregates can be long; JSON has them whole. */
function shortened(layout: string): string {
  return layout.length > LAYOUT_WIDTH ? `${layout.slice(0, LAYOUT_WIDTH)}…` : layout;
}

/** The same as JSON. */
export function listJson(surveys: readonly TaskSurvey[]) {
  return surveys.map(({ watermarkMs, ...task }) => ({
    ...task,
    watermark: watermarkMs === null ? null : new Date(watermarkMs).toISOString(),
  }));
}
