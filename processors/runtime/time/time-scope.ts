import type { TimeReason } from '../stateful-part.ts';
import type { SavedTime } from './marks.ts';

/** An input as of the last advance of its tracker. */
export interface ScopedInput {
  /** Its own watermark. */
  ownMs: number;
  /** Whether events move it, its own or those of upstream tasks, and not the clock. */
  byEvents: boolean;
  /** Whether it holds nobody back: read to its end and silent, or all of its upstream tasks idle. */
  passive: boolean;
}

/**
 * Time as a part of a task sees it: the low watermark over the inputs that reach the part. A click window does not wait
 * for parcels that another part of its task reads.
 */
export class TimeScope {
  /** Names it in the state: its topics, sorted. */
  readonly key: string;
  readonly topics: ReadonlySet<string>;
  /** -Infinity before the first event. */
  watermarkMs = Number.NEGATIVE_INFINITY;
  /** Before the last advance. */
  previousMs = Number.NEGATIVE_INFINITY;
  /** Whether the last advance came from the clock and not from events, its own or that of upstream tasks. */
  isByClock = false;
  /** Whether every input is idle, so that its own clock moves the watermark. */
  isIdle = false;
  /** Whether the last advance moved it. */
  hasMoved = false;

  readonly #inputs: readonly ScopedInput[];
  #idleSinceMs = 0;
  #idleBaseMs = 0;

  constructor(key: string, topics: ReadonlySet<string>, inputs: readonly ScopedInput[]) {
    this.key = key;
    this.topics = topics;
    this.#inputs = inputs;
  }

  get reason(): TimeReason {
    return this.isByClock ? 'idle' : 'watermark';
  }

  /** Whether what happens in it may reach what happens in another: all of its inputs are of the other, too. */
  isPartOf(other: TimeScope): boolean {
    return [...this.topics].every((topic) => other.topics.has(topic));
  }

  /** Goes on from what was saved: its own watermark, else the latest of those that were no later than its own. */
  restore({ watermarkMs, scopes }: SavedTime): void {
    const sound = Object.entries(scopes).filter(([key]) => {
      const topics = new Set(key.split(' '));
      return [...this.topics].every((topic) => topics.has(topic));
    });
    this.watermarkMs = scopes[this.key] ?? Math.max(watermarkMs, ...sound.map(([, ms]) => ms));
  }

  advance(nowMs: number): boolean {
    const before = this.watermarkMs;
    this.previousMs = before;
    let lowest = Number.POSITIVE_INFINITY;
    let highest = Number.NEGATIVE_INFINITY;
    let active = 0;
    let byEvents = 0;
    for (const input of this.#inputs) {
      if (input.ownMs > highest) highest = input.ownMs;
      if (input.passive) continue;
      active += 1;
      if (input.byEvents) byEvents += 1;
      if (input.ownMs < lowest) lowest = input.ownMs;
    }
    this.isByClock = byEvents === 0;
    if (active > 0) {
      this.isIdle = false;
      this.watermarkMs = Math.max(before, lowest);
    } else {
      this.#advanceByClock(nowMs, highest);
    }
    this.hasMoved = this.watermarkMs > before;
    return this.hasMoved;
  }

  #advanceByClock(nowMs: number, highestMs: number): void {
    if (!this.isIdle) {
      this.isIdle = true;
      this.#idleSinceMs = nowMs;
      this.#idleBaseMs = Math.max(this.watermarkMs, highestMs);
    }
    this.watermarkMs = Math.max(this.watermarkMs, this.#idleBaseMs + (nowMs - this.#idleSinceMs));
  }
}
