export interface WatermarkOptions {
  /** How far events may be out of order: the watermark is the highest event time seen minus this. */
  readonly outOfOrderMs: number;
  /** Silence, after the input was read to its end, from which on it no longer holds the watermark back. */
  readonly idleTimeoutMs: number;
}

/** An input of a task as the tracker sees it. */
export interface TimedInput {
  readonly topic: string;
  /**
   * The tasks that write it, where it carries their watermarks; its own is then the lowest of theirs. Empty for a topic
   * from outside, whose watermark follows its events.
   */
  readonly upstream: readonly string[];
}

/**
 * What moves the time of a task: its events (`active`), the clock, while time alone may still make it say something
 * (`clock`), or the clock, and nothing comes from it until it says otherwise (`idle`): then it holds nobody back.
 */
export type TimeStatus = 'active' | 'clock' | 'idle';

/** What an upstream task says of its time, in the topics that it writes. */
export interface WatermarkMark {
  readonly from: string;
  /** -Infinity before its first event. */
  readonly watermarkMs: number;
  readonly status: TimeStatus;
}

/** Watermarks of upstream tasks, as JSON: `[watermark or null, status]` by input and task. */
export type SavedUpstream = Readonly<
  Record<string, Readonly<Record<string, readonly [number | null, TimeStatus]>>>
>;

interface InputTime {
  /** Of the events, where the input has no upstream. */
  maxEventTimeMs: number;
  lastRecordAtMs: number;
  /** Everything up to its end was read and processed, as of the last fetch. */
  caughtUp: boolean;
  readonly marks: Map<string, WatermarkMark> | undefined;
}

/**
 * Low watermark of one task: the minimum over its inputs (Akidau et al., "The Dataflow Model", VLDB 2015). An input is
 * idle only when its last fetch has confirmed its end and it has been silent for the idle time-out; a slow or paused
 * input never counts as idle, so that nothing closes early. When every input is idle, the watermark moves with the
 * clock.
 *
 * An input written by other tasks carries their watermarks and takes the lowest; a task that has not been heard of
 * holds it back, one that is idle does not. Such an input is idle when all of its upstream tasks are: they have waited
 * for the time-out already.
 */
export class WatermarkTracker {
  readonly #options: WatermarkOptions;
  readonly #inputs = new Map<string, InputTime>();
  #watermarkMs: number;
  #byClock = false;
  #idle = false;
  #idleSinceMs = 0;
  #idleBaseMs = 0;

  constructor(
    inputs: readonly TimedInput[],
    options: WatermarkOptions,
    start: { readonly nowMs: number; readonly watermarkMs: number; readonly upstream?: SavedUpstream },
  ) {
    this.#options = options;
    this.#watermarkMs = start.watermarkMs;
    for (const { topic, upstream } of inputs) {
      this.#inputs.set(topic, {
        maxEventTimeMs: Number.NEGATIVE_INFINITY,
        lastRecordAtMs: start.nowMs,
        caughtUp: false,
        marks: upstream.length === 0 ? undefined : restoredMarks(upstream, start.upstream?.[topic]),
      });
    }
  }

  get watermarkMs(): number {
    return this.#watermarkMs;
  }

  /** Whether the last advance came from the clock and not from events, its own or that of upstream tasks. */
  get isByClock(): boolean {
    return this.#byClock;
  }

  /** Whether every input is idle, so that its own clock moves the watermark. */
  get isIdle(): boolean {
    return this.#idle;
  }

  /** What upstream tasks have said, for the state: their marks are not read again after a restart. */
  get upstream(): SavedUpstream {
    const saved: Record<string, Record<string, readonly [number | null, TimeStatus]>> = {};
    for (const [topic, { marks }] of this.#inputs) {
      if (marks === undefined) continue;
      saved[topic] = Object.fromEntries(
        [...marks.values()].map(({ from, watermarkMs, status }) => [
          from,
          [Number.isFinite(watermarkMs) ? watermarkMs : null, status] as const,
        ]),
      );
    }
    return saved;
  }

  /** How far an input was read: whether that brought records, and whether it reached the end. */
  fetched(input: string, fetch: { readonly records: number; readonly atEnd: boolean }, nowMs: number): void {
    const state = this.#inputs.get(input);
    if (state === undefined) return;
    if (fetch.records > 0) state.lastRecordAtMs = nowMs;
    state.caughtUp = fetch.atEnd;
  }

  /** An event of an input; true where it is the latest so far, so that {@link advance} may move the watermark. */
  observe(input: string, eventTimeMs: number): boolean {
    const state = this.#inputs.get(input);
    if (state === undefined || state.marks !== undefined || eventTimeMs <= state.maxEventTimeMs) return false;
    state.maxEventTimeMs = eventTimeMs;
    return true;
  }

  /** An upstream task has said where it is; true where {@link advance} may move the watermark. */
  marked(input: string, mark: WatermarkMark): boolean {
    const marks = this.#inputs.get(input)?.marks;
    const known = marks?.get(mark.from);
    // Of a task that is no upstream any more: its number of partitions has changed.
    if (marks === undefined || known === undefined) return false;
    const watermarkMs = Math.max(known.watermarkMs, mark.watermarkMs);
    marks.set(mark.from, { ...mark, watermarkMs });
    return watermarkMs > known.watermarkMs || mark.status !== known.status;
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
    let byEvents = 0;
    for (const input of this.#inputs.values()) {
      const upstream = input.marks === undefined ? undefined : upstreamTime(input.marks);
      const ownMs = upstream?.watermarkMs ?? input.maxEventTimeMs - this.#options.outOfOrderMs;
      highest = Math.max(highest, ownMs);
      const isSilent = nowMs - input.lastRecordAtMs >= this.#options.idleTimeoutMs;
      if (input.caughtUp && (upstream === undefined ? isSilent : upstream.status === 'idle')) continue;
      active += 1;
      if (upstream === undefined || upstream.status === 'active') byEvents += 1;
      lowest = Math.min(lowest, ownMs);
    }
    this.#byClock = byEvents === 0;
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

/** The lowest watermark of the tasks that are not idle; the highest of all where every one is. */
function upstreamTime(
  marks: ReadonlyMap<string, WatermarkMark>,
): Pick<WatermarkMark, 'watermarkMs' | 'status'> {
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  let all: TimeStatus = 'idle';
  for (const { watermarkMs, status } of marks.values()) {
    highest = Math.max(highest, watermarkMs);
    if (status === 'idle') continue;
    lowest = Math.min(lowest, watermarkMs);
    if (all !== 'active') all = status;
  }
  return { watermarkMs: all === 'idle' ? highest : lowest, status: all };
}

function restoredMarks(
  upstream: readonly string[],
  saved: SavedUpstream[string] | undefined,
): Map<string, WatermarkMark> {
  return new Map(
    upstream.map((from) => {
      const [watermarkMs, status] = saved?.[from] ?? [null, 'active' as const];
      return [from, { from, watermarkMs: watermarkMs ?? Number.NEGATIVE_INFINITY, status }];
    }),
  );
}
