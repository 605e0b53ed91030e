import type { Aggregator } from '../aggregates/aggregator.ts';
import type { KeyedStore } from '../state/keyed-store.ts';
import type { StepResult } from '../step-result.ts';
import type { TimeReason } from '../stateful-part.ts';
import type { TaskContext } from '../topology.ts';
import type { WindowResult } from './window-result.ts';

/** Windows of one kind: who holds what, and what closes when. When else to emit is up to the caller. */
export interface WindowOperator<V> {
  /** Takes an event; `late` where no window takes it. */
  add(key: string, value: V, eventTimeMs: number): StepResult;
  /** After a restore, before the first event. */
  rebuild(watermarkMs: number): void;
  /** Closes what the watermark has passed: by the end of the windows, then in the order in which they came up. */
  advance(watermarkMs: number, reason: TimeReason): void;
  /** Emits every open window that has changed since the last call. */
  emitChanged(reason: 'update' | 'early'): void;
  /** Before each commit: emits corrections, and keeps what the state has to remember. */
  settle?(): void;
  /** Whether a window is open that time alone would close. */
  readonly isPending: boolean;
}

/** What an operator is made with. */
export interface OperatorOptions<V, A, R> {
  readonly context: TaskContext;
  readonly name: string;
  /** Of the state: of windows and aggregator. */
  readonly layout: string;
  readonly aggregator: Aggregator<V, A, R>;
  /** Whether {@link WindowOperator.emitChanged} will be called. */
  readonly tracksChanges: boolean;
  /** Whether open windows count as changed after a restart: what had changed is not known any more. */
  readonly changedAfterRestart: boolean;
  onResult(result: WindowResult<R>): void;
}

/** What operators use of a store. */
export type Store<V> = Pick<KeyedStore<V>, 'get' | 'set' | 'delete' | 'entries'>;

/** Adds a value to the accumulator under a key of the store, a fresh one where there is none. */
export function addTo<V, A>(
  store: Store<A>,
  aggregator: Aggregator<V, A, unknown>,
  stateKey: string,
  value: V,
): void {
  const accumulator = store.get(stateKey);
  store.set(stateKey, aggregator.add(accumulator === undefined ? aggregator.init() : accumulator, value));
}

/** Entries are by time and key; the time comes first, since it holds no bar. */
export function stateKeyOf(timeMs: number, key: string): string {
  return `${timeMs}|${key}`;
}

export function parseStateKey(stateKey: string): { readonly timeMs: number; readonly key: string } {
  const bar = stateKey.indexOf('|');
  return { timeMs: Number(stateKey.slice(0, bar)), key: stateKey.slice(bar + 1) };
}
