import { DROP, OK, type StepResult } from '../step-result.ts';
import type { TaskContext } from '../topology.ts';

/** Whether values are told that find no row. */
export type TableJoinType = 'inner' | 'left';

export interface TableJoinResult<S, T> {
  readonly key: string;
  readonly stream: S;
  readonly table: T;
  /** Of the value of the stream. */
  readonly eventTimeMs: number;
}

export interface TableJoinOptions<Type extends TableJoinType, S, T> {
  /** Names the state; unique in the sub-topology. */
  readonly name: string;
  readonly type: Type;
  readonly onResult: (result: TableJoinResult<S, T>) => void;
}

export interface TableJoin<S, T> {
  /** `drop` where an inner join has no row for it. */
  stream(key: string, value: S, eventTimeMs: number): StepResult;
  /** The row of a key from now on; null deletes it. Must survive JSON. */
  table(key: string, row: T | null): StepResult;
}

/* eslint-disable @typescript-eslint/unified-signatures -- one signature would not type the results by `type` */
/**
 * Stream–table join: each value of the stream with the row that its key has at that moment. A change of the table tells
 * nothing. A task merges its inputs by event time, so that the row is the same each time the log is read; where that
 * is not enough because rows come late, see {@link joinAsOf}.
 */
export function joinTable<S, T>(
  context: TaskContext,
  options: TableJoinOptions<'inner', S, T>,
): TableJoin<S, T>;
export function joinTable<S, T>(
  context: TaskContext,
  options: TableJoinOptions<TableJoinType, S, T | undefined>,
): TableJoin<S, T>;
/* eslint-enable @typescript-eslint/unified-signatures */
export function joinTable<S, T>(
  context: TaskContext,
  options: TableJoinOptions<TableJoinType, S, T | undefined>,
): TableJoin<S, T> {
  const { name, type, onResult } = options;
  const rows = context.store<T>(name, { layout: 'table-join' });
  return {
    stream: (key, stream, eventTimeMs) => {
      const table = rows.get(key);
      if (table === undefined && type === 'inner') return DROP;
      onResult({ key, stream, table, eventTimeMs });
      return OK;
    },
    table: (key, row) => {
      if (row === null) rows.delete(key);
      else rows.set(key, row);
      return OK;
    },
  };
}
