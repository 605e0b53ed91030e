import type { KeyedStore } from '../state/keyed-store.ts';
import { TimeOrdered, type Ordered } from './time-ordered.ts';

interface Version extends Ordered {
  readonly key: string;
  readonly id: string;
}

/**
 * The rows of a table by key and event time, each valid until the next of its key; null stands for a deletion. Entries
 * of the store are `time|key`: a version replaces one of the same time.
 */
export class RowVersions<T> {
  readonly #store: KeyedStore<T | null>;
  readonly #byKey = new Map<string, TimeOrdered<Version>>();
  /** Those that have not passed the horizon. */
  #order = new TimeOrdered<Version>();

  constructor(store: KeyedStore<T | null>) {
    this.#store = store;
  }

  put(key: string, timeMs: number, row: T | null): void {
    const id = `${timeMs}|${key}`;
    this.#store.set(id, row);
    // An entry that was rolled back may have left its place here.
    if (this.#byKey.get(key)?.findLast(timeMs, () => true)?.timeMs === timeMs) return;
    this.#add({ timeMs, sequence: 0, key, id });
  }

  /** The row that was valid at a time; undefined where there was none. */
  at(key: string, timeMs: number): T | undefined {
    let row: T | null | undefined;
    this.#byKey.get(key)?.findLast(timeMs, ({ id }) => {
      row = this.#store.get(id);
      return row !== undefined;
    });
    return row ?? undefined;
  }

  /** Forgets what was not valid any more at the horizon: of each key the latest row from before it stays. */
  expire(horizonMs: number): void {
    for (
      let version = this.#order.first;
      version !== undefined && version.timeMs < horizonMs;
      version = this.#order.first
    ) {
      this.#order.dropFirst();
      this.#passed(version);
    }
  }

  rebuild(): void {
    this.#byKey.clear();
    this.#order = new TimeOrdered();
    const versions = Array.from(this.#store.entries(), ([id]) => versionOf(id));
    for (const version of versions.sort((a, b) => a.timeMs - b.timeMs)) this.#add(version);
  }

  #add(version: Version): void {
    this.#order.insert(version);
    let ofKey = this.#byKey.get(version.key);
    if (ofKey === undefined) this.#byKey.set(version.key, (ofKey = new TimeOrdered()));
    ofKey.insert(version);
  }

  /** A version has passed the horizon: it ends those before it, and a deletion is not needed to tell that nothing is there. */
  #passed(version: Version): void {
    const ofKey = this.#byKey.get(version.key);
    if (ofKey === undefined) return;
    const row = this.#store.get(version.id);
    const drop = (until: Version | undefined) => {
      for (let first = ofKey.first; first !== undefined && first !== until; first = ofKey.first) {
        this.#store.delete(first.id);
        ofKey.dropFirst();
        if (first === version) return;
      }
    };
    if (row === null) drop(undefined);
    // What was rolled back ends nothing.
    else if (row !== undefined) drop(version);
    else if (ofKey.first === version) ofKey.dropFirst();
    if (ofKey.first === undefined) this.#byKey.delete(version.key);
  }
}

function versionOf(id: string): Version {
  const bar = id.indexOf('|');
  return { timeMs: Number(id.slice(0, bar)), sequence: 0, key: id.slice(bar + 1), id };
}
