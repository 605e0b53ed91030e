import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

/**
 * Time, waits and chance of whatever runs for long: the stream engine, the Kafka client, retries. They take it as one
 * thing, so that a simulation can put its own clock and its own dice in their place. Whoever waits by anything else
 * cannot be simulated.
 */
export interface Scheduler {
  /** Epoch milliseconds. May jump, as the clock of a machine does. */
  now(): number;
  /** Milliseconds since some moment; never falls. */
  elapsedMs(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** Waits; an abort ends the wait early. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after so many milliseconds, unless the answer was called before. */
  after(ms: number, call: () => void): () => void;
  /** Lets timers, sockets and others that are ready have their turn. */
  yieldToOthers(): Promise<void>;
}

/** The clock and the timers of this process. A wait keeps the process alive. */
export const systemScheduler: Scheduler = {
  now: Date.now,
  elapsedMs: () => performance.now(),
  random: Math.random,
  async sleep(ms, signal) {
    await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined); // an abort ends the wait
  },
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
  yieldToOthers: () => nextTurn(),
};
