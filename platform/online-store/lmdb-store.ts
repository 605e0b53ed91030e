import { mkdir } from 'node:fs/promises';
import type * as lmdb from 'lmdb';
import type { Database, RootDatabase } from 'lmdb';
import { withDeadline } from '../deadline.ts';
import { MillraceError, errorText } from '../errors.ts';
import type { Logger } from '../log.ts';
import { LocalChannels } from './local-channels.ts';
import type { OnlineStore, VersionedWrite } from './port.ts';
import { checkKey, checkTtl, checkWrite, storeClosed, storeTimedOut, wrapLmdbError } from './store-error.ts';
import { Sweeper, expiryWalk } from './sweeper.ts';

export type Lmdb = Pick<typeof lmdb, 'open'>;

export interface LmdbStoreOptions {
  readonly path: string;
  readonly keyPrefix: string;
  readonly deadlineMs: number;
  readonly now: () => number;
  readonly log: Logger;
  /** Loads lmdb; only when the store is opened, since its binary is not on every platform. */
  readonly load: () => Promise<Lmdb>;
}

/** Version, expiry in epoch milliseconds, value. */
export type VersionedRecord = readonly [version: number, expiresAtMs: number, value: string | null];
/** Expiry in epoch milliseconds, value. */
export type AbsentRecord = readonly [expiresAtMs: number, value: string];

/**
 * The online store in process on LMDB. Each call that writes is one transaction; it resolves after the commit, which
 * outlives the process, and reaches the disk within the next sync.
 * @throws MillraceError MR_EMBEDDED_UNAVAILABLE, MR_ONLINE_STORE_FAILED (a directory that cannot be used)
 */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<OnlineStore> {
  const { open } = await loadLmdb(options.load);
  await mkdir(options.path, { recursive: true });
  try {
    return new LmdbStore(open({ path: options.path, noSubdir: false, maxDbs: 2 }), options);
  } catch (error) {
    throw wrapLmdbError(error, 'open');
  }
}

async function loadLmdb(load: () => Promise<Lmdb>): Promise<Lmdb> {
  try {
    return await load();
  } catch (error) {
    throw new MillraceError(
      'MR_EMBEDDED_UNAVAILABLE',
      'the online store in process (lmdb) cannot be loaded here: set MR_REDIS_URL to a server, or install lmdb',
      {
        context: { engine: 'lmdb', platform: process.platform, arch: process.arch, reason: errorText(error) },
        cause: error,
      },
    );
  }
}

class LmdbStore implements OnlineStore {
  readonly kind = 'lmdb';
  readonly #root: RootDatabase;
  readonly #versioned: Database<VersionedRecord>;
  readonly #absent: Database<AbsentRecord>;
  readonly #options: LmdbStoreOptions;
  readonly #channels: LocalChannels;
  readonly #sweeper: Sweeper;
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  constructor(root: RootDatabase, options: LmdbStoreOptions) {
    this.#root = root;
    this.#options = options;
    this.#versioned = root.openDB({ name: 'versioned', encoding: 'msgpack' });
    this.#absent = root.openDB({ name: 'absent', encoding: 'msgpack' });
    this.#channels = new LocalChannels(options.path);
    this.#sweeper = new Sweeper(
      [
        expiryWalk(root, { database: this.#versioned, expiryOf: (record) => record[1] }, options.now),
        expiryWalk(root, { database: this.#absent, expiryOf: (record) => record[0] }, options.now),
      ],
      options.log,
    );
  }

  async setIfNewer(writes: readonly VersionedWrite[]): Promise<readonly boolean[]> {
    writes.forEach(checkWrite);
    return this.#write('setIfNewer', () => {
      const nowMs = this.#options.now();
      return writes.map(({ key, value, version, ttlMs }) => {
        const stored = this.#versioned.get(this.#key(key));
        if (stored !== undefined && stored[1] > nowMs && version <= stored[0]) return false;
        void this.#versioned.put(this.#key(key), [version, nowMs + ttlMs, value]);
        return true;
      });
    });
  }

  async readMany(keys: readonly string[]): Promise<readonly (string | null)[]> {
    if (this.#closed) throw storeClosed('readMany');
    const nowMs = this.#options.now();
    return keys.map((key) => {
      const stored = this.#versioned.get(this.#key(key));
      return stored !== undefined && stored[1] > nowMs ? stored[2] : null;
    });
  }

  async setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean> {
    const [set = false] = await this.#setAbsent([key], value, ttlMs);
    return set;
  }

  async setManyIfAbsent(keys: readonly string[], ttlMs: number): Promise<readonly boolean[]> {
    return this.#setAbsent(keys, '', ttlMs);
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.#write('delete', () => {
      for (const key of keys) {
        void this.#versioned.remove(this.#key(key));
        void this.#absent.remove(this.#key(key));
      }
    });
  }

  async publish(channel: string, message: string): Promise<void> {
    if (this.#closed) throw storeClosed('publish');
    this.#channels.publish(this.#key(channel), message);
  }

  async subscribe(channel: string, onMessage: (message: string) => void): Promise<() => Promise<void>> {
    if (this.#closed) throw storeClosed('subscribe');
    const end = this.#channels.subscribe(this.#key(channel), onMessage);
    return async () => end();
  }

  async ping(timeoutMs: number): Promise<void> {
    await this.#write('ping', () => undefined, timeoutMs);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#channels.close();
    await this.#sweeper.stop();
    await Promise.allSettled(this.#running);
    await this.#root.flushed;
    await this.#root.close();
  }

  #key(key: string): string {
    return `${this.#options.keyPrefix}${key}`;
  }

  #setAbsent(keys: readonly string[], value: string, ttlMs: number): Promise<readonly boolean[]> {
    keys.forEach(checkKey);
    checkTtl(ttlMs);
    return this.#write('setIfAbsent', () => {
      const nowMs = this.#options.now();
      return keys.map((key) => {
        const stored = this.#absent.get(this.#key(key));
        if (stored !== undefined && stored[0] > nowMs) return false;
        void this.#absent.put(this.#key(key), [nowMs + ttlMs, value]);
        return true;
      });
    });
  }

  async #write<T>(operation: string, action: () => T, deadlineMs = this.#options.deadlineMs): Promise<T> {
    if (this.#closed) throw storeClosed(operation);
    const running = this.#root.transaction(action);
    this.#running.add(running);
    try {
      return await withDeadline(
        running.finally(() => this.#running.delete(running)),
        deadlineMs,
        () => storeTimedOut(operation, deadlineMs),
      );
    } catch (error) {
      throw wrapLmdbError(error, operation);
    }
  }
}
