import type { Random } from '../random.ts';
import type { Scheduler } from '../scheduler.ts';
import { sleepOn, type VirtualTime } from './virtual-time.ts';

/** Longest time that a process of the simulation works between two looks at its clock. */
const BUSY_MS = 12;

/**
 * A process on a machine of its own: its clock, its timers, and what reaches it over the network. It can stand still, as
 * after SIGSTOP, and end, as after SIGKILL: then nothing of it ever goes on. What it has sent is on its way all the same.
 */
export class SimulatedHost implements Scheduler {
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #startMs: number;
  #clockOffsetMs = 0;
  #isGone = false;
  #standsUntilMs = 0;
  #elapsedMs = 0;

  constructor(time: VirtualTime, random: Random, startMs: number) {
    this.#time = time;
    this.#random = random;
    this.#startMs = startMs;
  }

  /** Its own timers: what the network asks of a host. */
  get scheduler(): Scheduler {
    return this;
  }

  now(): number {
    return this.#startMs + Math.floor(this.#time.nowMs) + this.#clockOffsetMs;
  }

  /** Work takes time: each look finds it a little later, so that slices end at other places in each run. */
  elapsedMs(): number {
    const busyMs = this.#random.chance(0.2) ? this.#random.next() * BUSY_MS : 0;
    const latestMs = this.#time.nowMs + 4 * BUSY_MS;
    this.#elapsedMs = Math.max(
      this.#elapsedMs,
      this.#time.nowMs,
      Math.min(latestMs, this.#elapsedMs + busyMs),
    );
    return this.#elapsedMs;
  }

  random(): number {
    return this.#random.next();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn((delayMs, call) => this.after(delayMs, call), ms, signal);
  }

  after(ms: number, call: () => void): () => void {
    return this.#time.after(ms, () => this.deliver(call));
  }

  yieldToOthers(): Promise<void> {
    return this.sleep(0);
  }

  /** Runs what has come for it: now, when it moves again, or never. */
  deliver(call: () => void): void {
    if (this.#isGone) return;
    const leftMs = this.#standsUntilMs - this.#time.nowMs;
    if (leftMs > 0) this.#time.after(leftMs, () => this.deliver(call));
    else call();
  }

  /** Ends it as SIGKILL does. */
  kill(): void {
    this.#isGone = true;
  }

  /** Has it stand still as SIGSTOP does. */
  standStill(ms: number): void {
    this.#standsUntilMs = Math.max(this.#standsUntilMs, this.#time.nowMs + ms);
  }

  /** Moves its wall clock. */
  moveClock(byMs: number): void {
    this.#clockOffsetMs += byMs;
  }

  /** The simulated time of day, without what its clock is wrong by. */
  setClockRight(): void {
    this.#clockOffsetMs = 0;
  }
}
