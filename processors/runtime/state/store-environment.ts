import type { SpillMap } from '../../../platform/spill/port.ts';
import type { Touches } from '../evidence/touches.ts';
import { UndoLog } from './undo-log.ts';

/** What a store needs of the task that it belongs to. */
export interface StoreEnvironment {
  readonly taskId: string;
  readonly time: TaskTime;
  readonly undo: UndoLog;
  /** Told what steps touch, where that is recorded. */
  readonly touches?: Touches;
  /** A map on disk for entries that do not fit in memory; absent where there is none. */
  readonly spillMap?: (name: string) => SpillMap;
}

/** Event time as the stores of a task see it; neither goes back. */
export interface TaskTime {
  /** Low watermark, epoch ms; -Infinity before the first event. */
  watermarkMs: number;
  /** Of what is being written: the latest of all records so far and the watermark. */
  eventTimeMs: number;
}

export function taskTime(): TaskTime {
  return { watermarkMs: Number.NEGATIVE_INFINITY, eventTimeMs: Number.NEGATIVE_INFINITY };
}

/** Of a store that stands alone: no time passes, nothing is spilled. */
export function loneEnvironment(): StoreEnvironment {
  return { taskId: 'none', time: taskTime(), undo: new UndoLog() };
}
