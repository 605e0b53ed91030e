import type { RefusedRow } from '../../platform/clickhouse/refused-rows.ts';
import { MillraceError } from '../../platform/errors.ts';
import { checkWrite } from '../../platform/online-store/limits.ts';
import type {
  ConditionalWrite,
  OnlineStore,
  StoredHead,
  StoredRecord,
  VersionedWrite,
} from '../../platform/online-store/port.ts';
import { isCheckpointKey } from '../../schemas/keys.ts';
import type { RowWriter } from '../../processors/runtime/task/sinks.ts';

type Row = Readonly<Record<string, unknown>>;

/** An online store whose outages a test controls. */
export class MemoryOnlineStore implements OnlineStore {
  readonly kind = 'lmdb';
  /** Every write that was taken, in order. */
  readonly writes: VersionedWrite[] = [];
  readonly published: string[] = [];
  isDown = false;
  /** Goes down after so many further calls. */
  failAfterCalls = Number.POSITIVE_INFINITY;
  /** Thrown instead, where set. */
  refusal: Error | undefined;
  mostAtOnce = 0;
  readonly #entries = new Map<string, VersionedWrite>();
  #running = 0;

  comeUp(): void {
    this.isDown = false;
    this.failAfterCalls = Number.POSITIVE_INFINITY;
  }

  /** What a reader would see; without what tasks say of themselves. */
  values(): Record<string, string> {
    const present = [...this.#entries].flatMap(([key, { value }]) =>
      value === null || isCheckpointKey(key) ? [] : [[key, value] as const],
    );
    return Object.fromEntries(present);
  }

  /** Everything that is there now, for {@link putBack}. */
  copy(): ReadonlyMap<string, VersionedWrite> {
    return new Map(this.#entries);
  }

  /** What a store does that is restored from an old copy, or flushed by hand where there is none. */
  putBack(copy: ReadonlyMap<string, VersionedWrite> = new Map()): void {
    this.#entries.clear();
    for (const [key, entry] of copy) this.#entries.set(key, entry);
  }

  async setIfNewer(writes: readonly VersionedWrite[]): Promise<readonly boolean[]> {
    writes.forEach(checkWrite);
    return this.#call(() =>
      writes.map((write) => {
        this.writes.push(write);
        const known = this.#entries.get(write.key);
        if (known !== undefined && known.version >= write.version) return false;
        this.#entries.set(write.key, write);
        return true;
      }),
    );
  }

  async setIfVersion(writes: readonly ConditionalWrite[]): Promise<readonly boolean[]> {
    return this.#call(() =>
      writes.map(({ expected, ...write }) => {
        if ((this.#entries.get(write.key)?.version ?? null) !== expected) return false;
        this.#entries.set(write.key, write);
        return true;
      }),
    );
  }

  async readRecords(keys: readonly string[]): Promise<readonly (StoredRecord | null)[]> {
    return this.#call(() =>
      keys.map((key) => {
        const entry = this.#entries.get(key);
        return entry === undefined ? null : { ...headOf(entry), value: entry.value };
      }),
    );
  }

  async *scan(): AsyncGenerator<readonly StoredHead[], undefined> {
    yield await this.#call(() => [...this.#entries.values()].map(headOf));
  }

  async readMany(keys: readonly string[]): Promise<readonly (string | null)[]> {
    return this.#call(() => keys.map((key) => this.#entries.get(key)?.value ?? null));
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.#call(() => {
      for (const key of keys) this.#entries.delete(key);
    });
  }

  async publish(channel: string, message: string): Promise<void> {
    await this.#call(() => this.published.push(`${channel} ${message}`));
  }

  setIfAbsent = unsupported;
  setManyIfAbsent = unsupported;
  renewLease = unsupported;
  releaseLease = unsupported;
  info = unsupported;
  subscribe = unsupported;
  ping = (): Promise<void> => Promise.resolve();
  close = (): Promise<void> => Promise.resolve();

  async #call<T>(operation: () => T): Promise<T> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#running);
    await new Promise((resolve) => setImmediate(resolve));
    this.#running -= 1;
    if (this.refusal !== undefined) throw this.refusal;
    if (this.failAfterCalls <= 0) {
      this.isDown = true;
      this.failAfterCalls = Number.POSITIVE_INFINITY;
    }
    this.failAfterCalls -= 1;
    if (this.isDown) throw new MillraceError('MR_ONLINE_STORE_UNAVAILABLE', 'the store is down');
    return operation();
  }
}

function headOf({ key, version, owner, value }: VersionedWrite): StoredHead {
  return { key, version, owner: owner ?? null, isDeleted: value === null };
}

/** Tables whose outages a test controls; while down, a flush waits as the writer for ClickHouse does. */
export class MemoryRowWriter implements RowWriter {
  readonly #tables = new Map<string, Row[]>();
  readonly #pending: { readonly table: string; readonly row: Row }[] = [];
  #up: Promise<void> = Promise.resolve();
  #bringUp: () => void = () => undefined;
  /** Thrown by every flush, where set. */
  refusal: Error | undefined;
  /** Why a row is refused, where it is. */
  refuses: (row: Row) => string | undefined = () => undefined;
  /** Flushes that have begun. */
  flushes = 0;

  /** Every row that was taken, repetitions included. */
  rows(table: string): readonly Row[] {
    return this.#tables.get(table) ?? [];
  }

  goDown(): void {
    this.#up = new Promise((resolve) => {
      this.#bringUp = resolve;
    });
  }

  comeUp(): void {
    this.#bringUp();
  }

  add(table: string, rows: readonly Row[]): void {
    for (const row of rows) this.#pending.push({ table, row });
  }

  async flush(): Promise<readonly RefusedRow[]> {
    this.flushes += 1;
    await this.#up;
    if (this.refusal !== undefined) throw this.refusal;
    const refused: RefusedRow[] = [];
    for (const { table, row } of this.#pending.splice(0)) {
      const reason = this.refuses(row);
      if (reason !== undefined) {
        refused.push({ table, row, reason });
        continue;
      }
      const rows = this.#tables.get(table) ?? [];
      rows.push(row);
      this.#tables.set(table, rows);
    }
    return refused;
  }
}

function unsupported(): never {
  throw new Error('not part of the memory store');
}
