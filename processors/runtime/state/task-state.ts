import type { Kafka, ProduceRecord, TopicPartition } from '../../../platform/kafka/port.ts';
import { DuplicateFilter } from '../task/duplicate-filter.ts';
import { EventTimers } from '../time/event-timers.ts';
import { KeyedStore, type StoreOptions } from './keyed-store.ts';
import { TumblingWindows, type TumblingWindowOptions } from '../windows/tumbling-windows.ts';

const META_KEY = 'meta';
const DUPLICATES = 'duplicates';

interface TaskMeta {
  readonly taskEpoch: number;
  /** null before the first event: -Infinity is no JSON. */
  readonly watermarkMs: number | null;
}

/**
 * All state of one task and its changelog. Entries are `store/key`; the entry `meta` holds the epoch and the watermark.
 * The processor declares its stores while it is made; `restore` fills them afterwards.
 */
export class TaskState {
  readonly #stores = new Map<string, KeyedStore<unknown>>();
  readonly #timers: EventTimers[] = [];
  readonly #windows: TumblingWindows<unknown>[] = [];
  readonly duplicates = new DuplicateFilter({ horizonMs: 24 * 3_600_000, maxIds: 4_000_000 });
  /** Raised at each start, after fencing: a stale writer's versions are always lower. */
  taskEpoch = 0;
  restoredWatermarkMs = Number.NEGATIVE_INFINITY;

  store<V>(name: string, options?: StoreOptions): KeyedStore<V> {
    if (name.includes('/') || this.#stores.has(name))
      throw new Error(`store name ${name} is taken or holds a slash`);
    const store = new KeyedStore<V>(name, options);
    this.#stores.set(name, store);
    return store;
  }

  timers(name: string, onDue: (key: string, dueMs: number) => void): EventTimers {
    const timers = new EventTimers(this.store<number>(name), onDue);
    this.#timers.push(timers);
    return timers;
  }

  tumbling<A>(options: TumblingWindowOptions<A>): TumblingWindows<A> {
    const windows = new TumblingWindows(this.store<A>(options.name), options);
    this.#windows.push(windows);
    return windows;
  }

  /** Entries over all stores, remembered eventIds included. */
  get size(): number {
    let size = this.duplicates.size;
    for (const store of this.#stores.values()) size += store.size;
    return size;
  }

  /** Reads the changelog to its end and makes timers and windows whole again. */
  async restore(kafka: Kafka, changelog: TopicPartition): Promise<void> {
    for await (const batch of kafka.readToEnd(changelog)) {
      for (const record of batch.records) this.#apply(record.key?.toString('utf8') ?? '', record.value);
    }
    for (const timers of this.#timers) timers.rebuild();
    for (const windows of this.#windows) windows.rebuild(this.restoredWatermarkMs);
  }

  /** Fires timers and closes windows up to the watermark. */
  advance(watermarkMs: number, reason: 'watermark' | 'idle'): void {
    for (const timers of this.#timers) timers.advance(watermarkMs);
    for (const windows of this.#windows) windows.advance(watermarkMs, reason);
  }

  emitUpdates(): void {
    for (const windows of this.#windows) windows.emitUpdates();
  }

  /** The changes since the last call as records of the changelog. */
  takeChanges(changelog: TopicPartition, watermarkMs: number, nowMs: number): ProduceRecord[] {
    const meta: TaskMeta = {
      taskEpoch: this.taskEpoch,
      watermarkMs: Number.isFinite(watermarkMs) ? watermarkMs : null,
    };
    const records: ProduceRecord[] = [];
    const { topic, partition } = changelog;
    const put = (key: string, value: Buffer | null) =>
      records.push({ topic, partition, key, value, timestampMs: nowMs });
    for (const store of this.#stores.values()) {
      for (const change of store.takeChanges()) put(`${store.name}/${change.key}`, change.value);
    }
    for (const change of this.duplicates.takeChanges()) put(`${DUPLICATES}/${change.key}`, change.value);
    put(META_KEY, Buffer.from(JSON.stringify(meta)));
    return records;
  }

  #apply(key: string, value: Buffer | null): void {
    if (key === META_KEY) {
      const meta = JSON.parse(value?.toString('utf8') ?? '{}') as TaskMeta;
      this.taskEpoch = meta.taskEpoch;
      this.restoredWatermarkMs = meta.watermarkMs ?? Number.NEGATIVE_INFINITY;
      return;
    }
    const slash = key.indexOf('/');
    const store = key.slice(0, slash);
    const rest = key.slice(slash + 1);
    if (store === DUPLICATES) this.duplicates.restore(rest, value);
    else this.#stores.get(store)?.restore(rest, value);
  }
}
