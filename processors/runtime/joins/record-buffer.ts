import type { KeyedStore } from '../state/keyed-store.ts';
import { TimeOrdered, type Ordered } from './time-ordered.ts';

/** Where a buffered record is; its value is in the store, unless the step that added it was rolled back. */
export interface BufferedRecord extends Ordered {
  readonly key: string;
  /** Key of its entry in the store. */
  readonly id: string;
}

/**
 * Records in a store, an entry for each, and in memory their order by event time, of equal times in the order in which
 * they came. Entries are `time|sequence|key`: any number of a key are added and removed without touching the others.
 */
export class RecordBuffer<V> {
  readonly #store: KeyedStore<V>;
  #order = new TimeOrdered<BufferedRecord>();
  #sequence = 0;

  constructor(store: KeyedStore<V>) {
    this.#store = store;
  }

  /** Records that are held. */
  get size(): number {
    return this.#store.size;
  }

  /** The earliest place; there may be no record in it any more. */
  get first(): BufferedRecord | undefined {
    return this.#order.first;
  }

  add(key: string, timeMs: number, value: V): BufferedRecord {
    const sequence = this.#sequence++;
    const record = { timeMs, sequence, key, id: `${timeMs}|${sequence}|${key}` };
    this.#store.set(record.id, value);
    this.#order.insert(record);
    return record;
  }

  /** Undefined where there is no such record, or not any more. */
  valueOf({ id }: BufferedRecord): V | undefined {
    return this.#store.get(id);
  }

  /** Ends a record; its place stays until it is the first and dropped. */
  forget({ id }: BufferedRecord): void {
    this.#store.delete(id);
  }

  dropFirst(): void {
    const { first } = this;
    if (first === undefined) return;
    this.#order.dropFirst();
    this.#store.delete(first.id);
  }

  /** Finds the order again after a restore, and tells the records by it. */
  rebuild(onRecord?: (record: BufferedRecord) => void): void {
    const records = Array.from(this.#store.entries(), ([id]) => recordOf(id));
    records.sort((a, b) => a.timeMs - b.timeMs || a.sequence - b.sequence);
    this.#order = new TimeOrdered();
    this.#sequence = 0;
    for (const record of records) {
      this.#order.insert(record);
      this.#sequence = Math.max(this.#sequence, record.sequence + 1);
      onRecord?.(record);
    }
  }
}

function recordOf(id: string): BufferedRecord {
  const afterTime = id.indexOf('|');
  const afterSequence = id.indexOf('|', afterTime + 1);
  return {
    timeMs: Number(id.slice(0, afterTime)),
    sequence: Number(id.slice(afterTime + 1, afterSequence)),
    key: id.slice(afterSequence + 1),
    id,
  };
}
