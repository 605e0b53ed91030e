import type { NodeContext, Push } from '../runtime/dsl/index.ts';
import type { WindowResult } from '../runtime/windows/index.ts';

/** A session as it is told: a row that no longer holds is retracted. */
export interface ToldSession<S> extends WindowResult<S> {
  readonly isRetracted: boolean;
}

/** What a session has to know of itself. */
interface WithStarts {
  /** Starts that it was thought to have. */
  readonly formerStarts: readonly number[];
}

/**
 * Tells retractions only where they are needed. A session is told anew each time it grows, and a retraction of what it
 * was comes just before. The row of a session is found by its start, so that what is told next replaces it; only one that
 * began at another time, as after a merge, has to be taken back.
 *
 * So are starts that this task has never told: the task before it may have, in a commit that stopped between the rows and
 * their transaction. It has seen the same events in the same order, up to some point.
 */
export function mergedSessions<S extends WithStarts>(
  _: NodeContext,
  emit: Push<ToldSession<S>>,
): Push<WindowResult<S>> {
  let replaced: WindowResult<S>[] = [];
  return (session, meta) => {
    if (session.reason === 'retraction') {
      replaced.push(session);
      return;
    }
    // Those given up before the last commit were taken back with it.
    const earlier = new Set(replaced.flatMap(({ value }) => value.formerStarts));
    const handled = new Set([session.windowStartMs]);
    const takeBack = (old: WindowResult<S>) => {
      if (handled.has(old.windowStartMs)) return;
      handled.add(old.windowStartMs);
      emit({ ...old, isRetracted: true }, meta);
    };
    for (const old of replaced) takeBack(old);
    for (const windowStartMs of session.value.formerStarts)
      if (!earlier.has(windowStartMs)) takeBack({ ...session, windowStartMs, reason: 'retraction' });
    replaced = [];
    emit({ ...session, isRetracted: false }, meta);
  };
}
