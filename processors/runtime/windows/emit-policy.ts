/** When results are emitted before their window closes. When it closes, they always are. */
export interface EmitPolicy {
  /** Each window that has changed, once for each commit. */
  readonly isOnUpdate: boolean;
  /** Each window that has changed, every so many milliseconds of clock time. */
  readonly earlyEveryMs: number | undefined;
}

/** When a window closes, and not before. */
export function onClose(): EmitPolicy {
  return Object.freeze({ isOnUpdate: false, earlyEveryMs: undefined });
}

/** With each commit the windows that have changed since the last, coalesced. */
export function onUpdate(): EmitPolicy {
  return Object.freeze({ isOnUpdate: true, earlyEveryMs: undefined });
}

/**
 * Every so many milliseconds of clock time the windows that have changed since their last emission.
 * @throws RangeError
 */
export function early({ everyMs }: { readonly everyMs: number }): EmitPolicy {
  if (!Number.isSafeInteger(everyMs) || everyMs < 1)
    throw new RangeError(`early: everyMs must be a whole number of at least 1, not ${everyMs}`);
  return Object.freeze({ isOnUpdate: false, earlyEveryMs: everyMs });
}

/** Whenever one of the policies says so; of several intervals the shortest counts. */
export function anyOf(...policies: readonly EmitPolicy[]): EmitPolicy {
  const intervals = policies.flatMap(({ earlyEveryMs }) => earlyEveryMs ?? []);
  return Object.freeze({
    isOnUpdate: policies.some(({ isOnUpdate }) => isOnUpdate),
    earlyEveryMs: intervals.length === 0 ? undefined : Math.min(...intervals),
  });
}

/** Says when the time for early results has come. */
export class EarlyClock {
  readonly #everyMs: number | undefined;
  #dueMs: number | undefined;

  constructor({ earlyEveryMs }: EmitPolicy) {
    this.#everyMs = earlyEveryMs;
  }

  /** True at most once for each interval; the first begins with the first call. */
  isDue(nowMs: number): boolean {
    if (this.#everyMs === undefined) return false;
    this.#dueMs ??= nowMs + this.#everyMs;
    if (nowMs < this.#dueMs) return false;
    this.#dueMs = nowMs + this.#everyMs;
    return true;
  }
}
