import { DROP, OK, type StepResult } from '../step-result.ts';
import type { StatefulPart } from '../stateful-part.ts';
import type { TaskContext } from '../topology.ts';
import { checkHistory } from './join-bounds.ts';
import { RecordBuffer } from './record-buffer.ts';
import { RowVersions } from './row-versions.ts';
import type { TableJoinResult, TableJoinType } from './table-join.ts';

export interface AsOfJoinOptions<Type extends TableJoinType, S, T> {
  /** Names the state; unique in the sub-topology. */
  readonly name: string;
  readonly type: Type;
  /** How far behind the watermark, in event time, rows are still known and records still joined. */
  readonly historyMs: number;
  /** How long values of the stream wait, in event time, for rows that come late; at most the history, 0 where absent. */
  readonly graceMs?: number;
  readonly onResult: (result: TableJoinResult<S, T>) => void;
}

export interface AsOfJoin<S, T> {
  /** `drop` where an inner join has no row for it, known at once. Values must survive JSON. */
  stream(key: string, value: S, eventTimeMs: number): StepResult;
  /** The row of a key from a time on, until its next; null deletes it. Must survive JSON. */
  table(key: string, row: T | null, eventTimeMs: number): StepResult;
}

/* eslint-disable @typescript-eslint/unified-signatures -- one signature would not type the results by `type` */
/**
 * As-of join: each value of the stream with the row that its key had when it happened, which is the latest with a time at
 * or before its own; of rows with the same time the one that came last. Rows may come in any order.
 *
 * Without a grace a value is joined at once, with what is known then. With one it waits until the watermark reaches its
 * time plus the grace and sees every row that comes before that; those that wait are told by event time. A record of
 * either side is late once the watermark is beyond its time plus the history: the result says so with these times as the
 * window, and it is neither joined nor taken. Of each key the row that was valid at the beginning of the history is kept,
 * however old it is.
 *
 * Adding is O(log n) for n rows of the key, expiry O(1) amortised.
 *
 * @throws RangeError where the times are no whole numbers or negative, or the grace is longer than the history
 */
export function joinAsOf<S, T>(context: TaskContext, options: AsOfJoinOptions<'inner', S, T>): AsOfJoin<S, T>;
export function joinAsOf<S, T>(
  context: TaskContext,
  options: AsOfJoinOptions<TableJoinType, S, T | undefined>,
): AsOfJoin<S, T>;
/* eslint-enable @typescript-eslint/unified-signatures */
export function joinAsOf<S, T>(
  context: TaskContext,
  options: AsOfJoinOptions<TableJoinType, S, T | undefined>,
): AsOfJoin<S, T> {
  const { name, historyMs, graceMs = 0 } = options;
  checkHistory(`join ${name}`, { historyMs, graceMs });
  const layout = 'as-of-join';
  const versions = new RowVersions<T>(context.store<T | null>(`${name}-rows`, { layout }));
  const waiting = new RecordBuffer<S>(context.store<S>(`${name}-waiting`, { layout }));
  const time = { watermarkMs: Number.NEGATIVE_INFINITY };
  const answer = answerer(versions, options);
  context.attach(timePart(time, { versions, waiting, historyMs, graceMs, answer }));
  const late = (timeMs: number): StepResult | undefined =>
    time.watermarkMs > timeMs + historyMs
      ? { kind: 'late', windowStartMs: timeMs, windowEndMs: timeMs + historyMs }
      : undefined;
  return {
    stream: (key, stream, eventTimeMs) => {
      const isWaiting = graceMs > 0 && time.watermarkMs < eventTimeMs + graceMs;
      if (!isWaiting) return late(eventTimeMs) ?? (answer(key, stream, eventTimeMs) ? OK : DROP);
      waiting.add(key, eventTimeMs, stream);
      return OK;
    },
    table: (key, row, eventTimeMs) => {
      const refused = late(eventTimeMs);
      if (refused !== undefined) return refused;
      versions.put(key, eventTimeMs, row);
      return OK;
    },
  };
}

/** Whether there was something to tell. */
type Answer<S> = (key: string, stream: S, eventTimeMs: number) => boolean;

interface Parts<S, T> {
  readonly versions: RowVersions<T>;
  readonly waiting: RecordBuffer<S>;
  readonly historyMs: number;
  readonly graceMs: number;
  readonly answer: Answer<S>;
}

function answerer<S, T>(
  versions: RowVersions<T>,
  options: AsOfJoinOptions<TableJoinType, S, T | undefined>,
): Answer<S> {
  const { type, onResult } = options;
  return (key, stream, eventTimeMs) => {
    const table = versions.at(key, eventTimeMs);
    if (table === undefined && type === 'inner') return false;
    onResult({ key, stream, table, eventTimeMs });
    return true;
  };
}

/** Follows the watermark by itself: what other parts say while it moves has happened before. */
function timePart<S, T>(
  time: { watermarkMs: number },
  { versions, waiting, historyMs, graceMs, answer }: Parts<S, T>,
): StatefulPart {
  return {
    rebuild: (watermarkMs) => {
      time.watermarkMs = watermarkMs;
      versions.rebuild();
      waiting.rebuild();
    },
    advance: (watermarkMs) => {
      time.watermarkMs = Math.max(time.watermarkMs, watermarkMs);
      for (
        let record = waiting.first;
        record !== undefined && record.timeMs + graceMs <= time.watermarkMs;
        record = waiting.first
      ) {
        const value = waiting.valueOf(record);
        waiting.dropFirst();
        if (value !== undefined) answer(record.key, value, record.timeMs);
      }
      versions.expire(time.watermarkMs - historyMs);
    },
    get isPending() {
      return waiting.size > 0;
    },
  };
}
