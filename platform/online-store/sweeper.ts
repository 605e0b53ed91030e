import type { Database, RootDatabase } from 'lmdb';
import { errorText } from '../errors.ts';
import type { Logger } from '../log.ts';
import { commit } from './lmdb-commit.ts';

/** Databases whose records carry their expiry, in epoch milliseconds. */
export interface Expiring<V> {
  readonly database: Database<V>;
  expiryOf(record: V): number;
}

const INTERVAL_MS = 1000;
/** Records looked at in one step: about a millisecond. */
const STEP_RECORDS = 2000;

export interface Walk {
  /** Looks at the next records, removes the expired, and starts over behind the last. */
  step(): Promise<void>;
}

/**
 * Removes expired records in small steps. Reads already take an expired record as absent, so the sweep only gives the
 * space back.
 */
export class Sweeper {
  readonly #walks: readonly Walk[];
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  #sweeping: Promise<void> = Promise.resolve();

  constructor(walks: readonly Walk[], log: Logger) {
    this.#walks = walks;
    this.#log = log;
    this.#timer = setInterval(() => {
      this.#sweeping = this.#sweeping.then(() => this.#sweep());
    }, INTERVAL_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sweeping;
  }

  /** One step over each database. A failure costs space, not answers: the next step tries again. */
  async #sweep(): Promise<void> {
    try {
      for (const walk of this.#walks) await walk.step();
    } catch (error) {
      this.#log.warn({ error: errorText(error) }, 'expired entries could not be removed; check the disk');
    }
  }
}

/** A walk over the records of a database, again and again. */
export function expiryWalk<V>(root: RootDatabase, expiring: Expiring<V>, now: () => number): Walk {
  const { database } = expiring;
  let start: string | undefined;
  return {
    async step() {
      const records = [
        ...database.getRange({ limit: STEP_RECORDS, ...(start === undefined ? {} : { start }) }),
      ];
      const last = records.at(-1);
      // Where it ends short, the next step begins anew; otherwise at the last record, seen twice.
      start = records.length < STEP_RECORDS ? undefined : last?.key;
      const nowMs = now();
      const expired = records.filter(({ value }) => expiring.expiryOf(value) <= nowMs);
      if (expired.length === 0) return;
      await commit(root, () => {
        for (const { key } of expired) {
          const current = database.get(key); // it may have been written since
          if (current !== undefined && expiring.expiryOf(current) <= nowMs) void database.remove(key);
        }
      });
    },
  };
}
