import {
  unheard,
  upstreamTime,
  type SavedTime,
  type SavedUpstream,
  type TimeStatus,
  type WatermarkMark,
} from './marks.ts';
import { TimeScope, type ScopedInput } from './time-scope.ts';

export interface WatermarkOptions {
  /** How far events may be out of order: the watermark is the highest event time seen minus this. */
  readonly outOfOrderMs: number;
  /** Silence, after the input was read to its end, from which on it no longer holds the watermark back. */
  readonly idleTimeoutMs: number;
  /** Event time that a task may be ahead of the slowest that writes for the same readers; no limit where absent. */
  readonly maxDriftMs?: number;
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

interface InputTime extends ScopedInput {
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
 *
 * A part of the task that not every input reaches has a time of its own, the minimum over those that do: a
 * {@link TimeScope}.
 */
export class WatermarkTracker {
  readonly #options: WatermarkOptions;
  readonly #inputs = new Map<string, InputTime>();
  readonly #scopes = new Map<string, TimeScope>();
  readonly #whole: TimeScope;

  constructor(inputs: readonly TimedInput[], options: WatermarkOptions, nowMs: number) {
    this.#options = options;
    for (const { topic, upstream } of inputs) {
      this.#inputs.set(topic, {
        maxEventTimeMs: Number.NEGATIVE_INFINITY,
        lastRecordAtMs: nowMs,
        caughtUp: false,
        marks: upstream.length === 0 ? undefined : new Map(upstream.map((from) => [from, unheard(from)])),
        ownMs: Number.NEGATIVE_INFINITY,
        byEvents: true,
        passive: false,
      });
    }
    this.#whole = this.scope([...this.#inputs.keys()]);
  }

  /** Of all inputs together. */
  get whole(): TimeScope {
    return this.#whole;
  }

  /** Every scope that a part of the task has, and the whole. */
  get scopes(): Iterable<TimeScope> {
    return this.#scopes.values();
  }

  get watermarkMs(): number {
    return this.#whole.watermarkMs;
  }

  /** The time of what only these inputs reach. */
  scope(topics: readonly string[]): TimeScope {
    const key = [...topics].sort().join(' ');
    const known = this.#scopes.get(key);
    if (known !== undefined) return known;
    const inputs = topics.map((topic) => {
      const input = this.#inputs.get(topic);
      if (input === undefined) throw new Error(`the task has no input ${topic}`);
      return input;
    });
    const scope = new TimeScope(key, new Set(topics), inputs);
    this.#scopes.set(key, scope);
    return scope;
  }

  /** Goes on from what a commit has saved. A scope that it does not know starts with the widest that it is a part of. */
  restore(saved: SavedTime, nowMs: number): void {
    for (const [topic, input] of this.#inputs) {
      input.lastRecordAtMs = nowMs;
      input.maxEventTimeMs = saved.events[topic] ?? input.maxEventTimeMs;
      for (const [from, [watermarkMs, status]] of Object.entries(saved.upstream[topic] ?? {}))
        if (input.marks?.has(from) === true)
          input.marks.set(from, { from, watermarkMs: watermarkMs ?? Number.NEGATIVE_INFINITY, status });
    }
    for (const scope of this.#scopes.values()) scope.restore(saved);
  }

  get saved(): SavedTime {
    const events = [...this.#inputs].flatMap(([topic, { marks, maxEventTimeMs }]) =>
      marks === undefined && Number.isFinite(maxEventTimeMs) ? [[topic, maxEventTimeMs] as const] : [],
    );
    const scopes = [...this.#scopes.values()].flatMap(({ key, watermarkMs }) =>
      Number.isFinite(watermarkMs) ? [[key, watermarkMs] as const] : [],
    );
    return {
      watermarkMs: this.watermarkMs,
      scopes: Object.fromEntries(scopes),
      events: Object.fromEntries(events),
      upstream: this.#savedUpstream(),
    };
  }

  /** What upstream tasks have said last, over all inputs. */
  *marks(): Iterable<WatermarkMark> {
    for (const { marks } of this.#inputs.values()) if (marks !== undefined) yield* marks.values();
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

  /** Computes every watermark anew; none goes back. True where one has moved. */
  advance(nowMs: number): boolean {
    const { outOfOrderMs, idleTimeoutMs } = this.#options;
    for (const input of this.#inputs.values()) {
      const upstream = input.marks === undefined ? undefined : upstreamTime(input.marks);
      input.ownMs = upstream?.watermarkMs ?? input.maxEventTimeMs - outOfOrderMs;
      const isSilent = nowMs - input.lastRecordAtMs >= idleTimeoutMs;
      input.passive = input.caughtUp && (upstream === undefined ? isSilent : upstream.status === 'idle');
      input.byEvents = upstream === undefined || upstream.status === 'active';
    }
    let hasMoved = false;
    for (const scope of this.#scopes.values()) hasMoved = scope.advance(nowMs) || hasMoved;
    return hasMoved;
  }

  #savedUpstream(): SavedUpstream {
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
}
