import type { Task } from '../task/task.ts';
import type { WatermarkMark } from '../time/marks.ts';

/** What is asked of a task. */
export type AlignedTask = Pick<
  Task,
  'id' | 'subtopology' | 'watermarkMs' | 'nextEventTimeMs' | 'isIdle' | 'upstreamMarks'
>;

/** How far each of the tasks that write for the same readers is, by task id. */
type Places = ReadonlyMap<string, number>;

/**
 * Keeps the tasks that write for the same readers within some event time of each other (as Flink's watermark alignment,
 * FLIP-182): readers hold the windows and joins of all the time in between. A task stops in front of the record that is
 * too far ahead of the slowest one; the slowest always has its next record, so that a gap in time stops nobody.
 *
 * Where tasks of other processes are, a task here that reads what they write has been told by their watermarks. One
 * that is idle, or has nothing to read yet, is not waited for.
 */
export class Alignment {
  readonly #maxDriftMs: number;

  constructor(maxDriftMs: number) {
    this.#maxDriftMs = maxDriftMs;
  }

  /** Event times up to which tasks may go, by task; one that is not named may go on without a limit. */
  limits<T extends AlignedTask>(tasks: readonly T[]): ReadonlyMap<T, number> {
    const groups = placesBySubtopology(tasks);
    const limits = new Map<T, number>();
    for (const task of tasks) {
      const places = groups.get(task.subtopology.name);
      if (places === undefined) continue;
      const slowestOtherMs = lowest(places, task.id);
      const limitMs = slowestOtherMs + this.#maxDriftMs;
      const isSlowest = task.watermarkMs <= slowestOtherMs;
      limits.set(task, isSlowest ? Math.max(limitMs, task.nextEventTimeMs) : limitMs);
    }
    return limits;
  }
}

function placesBySubtopology(tasks: readonly AlignedTask[]): ReadonlyMap<string, Places> {
  const groups = new Map<string, Map<string, number>>();
  const put = (subtopology: string, id: string, placeMs: number) => {
    if (!Number.isFinite(placeMs)) return;
    const places = groups.get(subtopology) ?? new Map<string, number>();
    groups.set(subtopology, places.set(id, placeMs));
  };
  for (const { upstreamMarks } of tasks)
    for (const mark of upstreamMarks())
      if (mark.status !== 'idle') put(writerOf(mark), mark.from, mark.watermarkMs);
  for (const task of tasks) {
    const { id, subtopology, watermarkMs, isIdle } = task;
    // What readers here were told of it is out of date.
    groups.get(subtopology.name)?.delete(id);
    if (isIdle || (subtopology.outputs ?? []).length === 0) continue;
    put(subtopology.name, id, Number.isFinite(watermarkMs) ? watermarkMs : task.nextEventTimeMs);
  }
  return groups;
}

function lowest(places: Places, exceptId: string): number {
  let lowestMs = Number.POSITIVE_INFINITY;
  for (const [id, placeMs] of places) if (id !== exceptId) lowestMs = Math.min(lowestMs, placeMs);
  return lowestMs;
}

/** The sub-topology of the task that a mark comes from: its id is `name-partition`. */
function writerOf({ from }: WatermarkMark): string {
  return from.slice(0, from.lastIndexOf('-'));
}
