import type { KeyedStore } from '../state/keyed-store.ts';
import type { SideBounds } from './join-bounds.ts';
import { RecordBuffer, type BufferedRecord } from './record-buffer.ts';
import { TimeOrdered } from './time-ordered.ts';

export interface JoinSideOptions<V> {
  readonly bounds: SideBounds;
  readonly records: KeyedStore<V>;
  /** Marks the records without a partner; undefined for a side that is never told alone. */
  readonly alone: KeyedStore<1> | undefined;
}

/** The buffered events of one side of a stream–stream join. */
export class JoinSide<V> {
  readonly bounds: SideBounds;
  readonly #records: RecordBuffer<V>;
  readonly #byKey = new Map<string, TimeOrdered<BufferedRecord>>();
  readonly #alone: KeyedStore<1> | undefined;
  /** Those that had no partner when they came; the store knows whether they still have none. */
  #aloneOrder = new TimeOrdered<BufferedRecord>();

  constructor({ bounds, records, alone }: JoinSideOptions<V>) {
    this.bounds = bounds;
    this.#records = new RecordBuffer(records);
    this.#alone = alone;
  }

  /** Whether an event without a partner is told. */
  get isToldAlone(): boolean {
    return this.#alone !== undefined;
  }

  /** Whether an event may still be told alone. */
  get isPending(): boolean {
    return this.#alone !== undefined && this.#alone.size > 0;
  }

  isClosed(timeMs: number, watermarkMs: number): boolean {
    return watermarkMs > timeMs + this.bounds.closesAfterMs;
  }

  add(key: string, timeMs: number, value: V): BufferedRecord {
    const record = this.#records.add(key, timeMs, value);
    this.#index(record);
    return record;
  }

  /** It has found no partner so far. */
  markAlone(record: BufferedRecord): void {
    if (this.#alone === undefined) return;
    this.#alone.set(record.id, 1);
    this.#aloneOrder.insert(record);
  }

  /**
   * Tells the events that one of the other side meets, by time, and marks that they have a partner.
   * @returns whether there was any
   */
  meet(key: string, fromMs: number, toMs: number, onPartner: (value: V, timeMs: number) => void): boolean {
    let isMet = false;
    this.#byKey.get(key)?.forEachWithin(fromMs, toMs, (record) => {
      const value = this.#records.valueOf(record);
      if (value === undefined) return;
      isMet = true;
      this.#alone?.delete(record.id);
      onPartner(value, record.timeMs);
    });
    return isMet;
  }

  /** Tells those whose interval has closed without a partner; they join nothing from here on. */
  tellAlone(watermarkMs: number, onAlone: (key: string, value: V, timeMs: number) => void): void {
    if (this.#alone === undefined) return;
    for (
      let record = this.#aloneOrder.first;
      record !== undefined && this.isClosed(record.timeMs, watermarkMs);
      record = this.#aloneOrder.first
    ) {
      this.#aloneOrder.dropFirst();
      if (!this.#alone.has(record.id)) continue;
      this.#alone.delete(record.id);
      const value = this.#records.valueOf(record);
      if (value === undefined) continue;
      this.#records.forget(record);
      onAlone(record.key, value, record.timeMs);
    }
  }

  /** Forgets those that nothing can meet any more. */
  expire(watermarkMs: number): void {
    const { keptMs } = this.bounds;
    for (
      let record = this.#records.first;
      record !== undefined && watermarkMs > record.timeMs + keptMs;
      record = this.#records.first
    ) {
      this.#records.dropFirst();
      // The first of all is the first of its key.
      const ofKey = this.#byKey.get(record.key);
      ofKey?.dropFirst();
      if (ofKey?.first === undefined) this.#byKey.delete(record.key);
    }
  }

  rebuild(): void {
    this.#byKey.clear();
    this.#aloneOrder = new TimeOrdered();
    this.#records.rebuild((record) => {
      this.#index(record);
      if (this.#alone?.has(record.id) === true) this.#aloneOrder.insert(record);
    });
  }

  #index(record: BufferedRecord): void {
    let ofKey = this.#byKey.get(record.key);
    if (ofKey === undefined) this.#byKey.set(record.key, (ofKey = new TimeOrdered()));
    ofKey.insert(record);
  }
}
