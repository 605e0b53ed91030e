import type { KeyedStore } from '../state/keyed-store.ts';
import { OK, type StepResult } from '../step-result.ts';
import type { TaskContext } from '../topology.ts';

/** Which rows the joined table has: where both sides have one, where the left has one, or where either has. */
export type TablesJoinType = 'inner' | 'left' | 'outer';

export interface TablesJoinResult<L, R> {
  readonly key: string;
  /** The row of the joined table from now on; null where it is deleted. */
  readonly value: { readonly left: L; readonly right: R } | null;
}

export interface TablesJoinOptions<Type extends TablesJoinType, L, R> {
  /** Names the state; unique in the sub-topology. */
  readonly name: string;
  readonly type: Type;
  readonly onResult: (result: TablesJoinResult<L, R>) => void;
}

/** Takes the changes of both tables: the row of a key from now on, null where it is deleted. Rows must survive JSON. */
export interface TablesJoin<L, R> {
  left(key: string, row: L | null): StepResult;
  right(key: string, row: R | null): StepResult;
}

/* eslint-disable @typescript-eslint/unified-signatures -- one signature would not type the results by `type` */
/**
 * Table–table join by key. Each change of either side tells the joined row anew, also where it is equal to what it was,
 * or its deletion where it holds no longer. What was not there before and is not there afterwards is not told.
 */
export function joinTables<L, R>(
  context: TaskContext,
  options: TablesJoinOptions<'inner', L, R>,
): TablesJoin<L, R>;
export function joinTables<L, R>(
  context: TaskContext,
  options: TablesJoinOptions<'left', L, R | undefined>,
): TablesJoin<L, R>;
export function joinTables<L, R>(
  context: TaskContext,
  options: TablesJoinOptions<TablesJoinType, L | undefined, R | undefined>,
): TablesJoin<L, R>;
/* eslint-enable @typescript-eslint/unified-signatures */
export function joinTables<L, R>(
  context: TaskContext,
  options: TablesJoinOptions<TablesJoinType, L | undefined, R | undefined>,
): TablesJoin<L, R> {
  const { name, type, onResult } = options;
  const layout = `tables-join(${type})`;
  const lefts = context.store<L>(`${name}-left`, { layout });
  const rights = context.store<R>(`${name}-right`, { layout });
  const holds = HOLDS[type];
  const change = (key: string, apply: () => void): StepResult => {
    const held = holds(lefts.has(key), rights.has(key));
    apply();
    const left = lefts.get(key);
    const right = rights.get(key);
    if (holds(left !== undefined, right !== undefined)) onResult({ key, value: { left, right } });
    else if (held) onResult({ key, value: null });
    return OK;
  };
  return {
    left: (key, row) => change(key, () => put(lefts, key, row)),
    right: (key, row) => change(key, () => put(rights, key, row)),
  };
}

const HOLDS: Readonly<Record<TablesJoinType, (hasLeft: boolean, hasRight: boolean) => boolean>> = {
  inner: (hasLeft, hasRight) => hasLeft && hasRight,
  left: (hasLeft) => hasLeft,
  outer: (hasLeft, hasRight) => hasLeft || hasRight,
};

function put<V>(store: KeyedStore<V>, key: string, row: V | null): void {
  if (row === null) store.delete(key);
  else store.set(key, row);
}
