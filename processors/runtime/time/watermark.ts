export interface WatermarkOptions {
  /** How far events may be out of order: the watermark is the highest event time seen minus this. */
  readonly outOfOrderMs: number;
  /** Silence, after the input was read to its end, from which on it no longer holds the watermark back. */
  readonly idleTimeoutMs: number;
}

interface Input {
  maxEventTimeMs: number;
  lastRecordAtMs: number;
  caughtUp: boolean;
}

/**
 * Low watermark of one task: the minimum over its inputs (Akidau et al., "The Dataflow Model", VLDB 2015). An input is
 * idle only when its last fetch has confirmed its end and it has been silent for the idle time-out; a slow or paused
 * input never counts as idle, so that nothing closes early. When every input is idle, the watermark moves with the
 * clock.
 */
export class WatermarkTracker {
  readonly #options: WatermarkOptions;
  readonly #inputs = new Map<string, Input>();
  #watermarkMs: number;
  #idle = false;
  #idleSinceMs = 0;
  #idleBaseMs = 0;

  constructor(
    inputs: readonly string[],
    options: WatermarkOptions,
    start: { nowMs: number; watermarkMs: number },
  ) {
    this.#options = options;
    this.#watermarkMs = start.watermarkMs;
    for (const input of inputs) {
      this.#inputs.set(input, {
        maxEventTimeMs: Number.NEGATIVE_INFINITY,
        lastRecordAtMs: start.nowMs,
        caughtUp: false,
      });
    }
  }

  get watermarkMs(): number {
    return this.#watermarkMs;
  }

  /** Whether the last advance came from the clock and not from events. */
  get isIdle(): boolean {
    return this.#idle;
  }

  /** A fetch of an input: whether it brought records, and whether it reached the end. */
  fetched(input: string, fetch: { readonly records: number; readonly atEnd: boolean }, nowMs: number): void {
    const state = this.#inputs.get(input);
    if (state === undefined) return;
    if (fetch.records > 0) state.lastRecordAtMs = nowMs;
    state.caughtUp = fetch.atEnd;
  }

  /** An event of an input; true where it is the latest so far, so that {@link advance} may move the watermark. */
  observe(input: string, eventTimeMs: number): boolean {
    const state = this.#inputs.get(input);
    if (state === undefined || eventTimeMs <= state.maxEventTimeMs) return false;
    state.maxEventTimeMs = eventTimeMs;
    return true;
  }

  /** Reading has paused: records may have arrived since, and no input is known to be at its end any more. */
  unconfirm(): void {
    for (const state of this.#inputs.values()) state.caughtUp = false;
  }

  /** Computes the watermark anew; it never goes back. */
  advance(nowMs: number): number {
    let lowest = Number.POSITIVE_INFINITY;
    let highest = Number.NEGATIVE_INFINITY;
    let active = 0;
    for (const input of this.#inputs.values()) {
      const ownMs = input.maxEventTimeMs - this.#options.outOfOrderMs;
      highest = Math.max(highest, ownMs);
      if (input.caughtUp && nowMs - input.lastRecordAtMs >= this.#options.idleTimeoutMs) continue;
      active += 1;
      lowest = Math.min(lowest, ownMs);
    }
    if (active > 0) {
      this.#idle = false;
      this.#watermarkMs = Math.max(this.#watermarkMs, lowest);
    } else {
      this.#advanceByClock(nowMs, highest);
    }
    return this.#watermarkMs;
  }

  #advanceByClock(nowMs: number, highestMs: number): void {
    if (!this.#idle) {
      this.#idle = true;
      this.#idleSinceMs = nowMs;
      this.#idleBaseMs = Math.max(this.#watermarkMs, highestMs);
    }
    this.#watermarkMs = Math.max(this.#watermarkMs, this.#idleBaseMs + (nowMs - this.#idleSinceMs));
  }
}
