import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { withDeadline } from '../deadline.ts';
import type { EngineInfo } from '../engine-info.ts';
import { commit } from './lmdb-commit.ts';
import { checkKey, checkTtl, checkValue, checkWrite, wellFormed } from './limits.ts';
import {
  openLmdbEnvironment,
  type LmdbEnvironment,
  type LmdbEnvironmentOptions,
  type VersionedRecord,
} from './lmdb-environment.ts';
import { LocalChannels } from './local-channels.ts';
import type { ConditionalWrite, OnlineStore, StoredHead, StoredRecord, VersionedWrite } from './port.ts';
import { storeClosed, storeTimedOut, wrapLmdbError } from './store-error.ts';

export interface LmdbStoreOptions extends LmdbEnvironmentOptions {
  readonly keyPrefix: string;
  readonly deadlineMs: number;
}

/** Keys of a step of a scan: about a millisecond. */
const SCAN_KEYS = 1000;

/**
 * The online store in process on LMDB. Each call that writes is one transaction; it resolves when that is on the disk
 * (fsync), together with the calls of the same moment.
 * @throws MillraceError MR_EMBEDDED_UNAVAILABLE, MR_EMBEDDED_IN_USE, MR_FOLDER_UNUSABLE, MR_ONLINE_STORE_FAILED
 */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<OnlineStore> {
  return new LmdbStore(await openLmdbEnvironment(options), options);
}

class LmdbStore implements OnlineStore {
  readonly kind = 'lmdb';
  readonly #environment: LmdbEnvironment;
  readonly #options: LmdbStoreOptions;
  readonly #channels: LocalChannels;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(environment: LmdbEnvironment, options: LmdbStoreOptions) {
    this.#environment = environment;
    this.#options = options;
    this.#channels = new LocalChannels(environment.path);
  }

  async setIfNewer(writes: readonly VersionedWrite[]): Promise<readonly boolean[]> {
    writes.forEach(checkWrite);
    const { versioned } = this.#environment;
    return this.#write('setIfNewer', (nowMs) =>
      writes.map((write) => {
        const stored = versioned.get(this.#key(write.key));
        if (stored !== undefined && stored[1] > nowMs && write.version <= stored[0]) return false;
        this.#put(write, nowMs);
        return true;
      }),
    );
  }

  async setIfVersion(writes: readonly ConditionalWrite[]): Promise<readonly boolean[]> {
    writes.forEach(checkWrite);
    const { versioned } = this.#environment;
    return this.#write('setIfVersion', (nowMs) =>
      writes.map((write) => {
        const stored = versioned.get(this.#key(write.key));
        const version = stored === undefined || stored[1] <= nowMs ? null : stored[0];
        if (version !== write.expected) return false;
        this.#put(write, nowMs);
        return true;
      }),
    );
  }

  async readMany(keys: readonly string[]): Promise<readonly (string | null)[]> {
    return (await this.#readAll('readMany', keys)).map((record) => record?.value ?? null);
  }

  async readRecords(keys: readonly string[]): Promise<readonly (StoredRecord | null)[]> {
    return this.#readAll('readRecords', keys);
  }

  async *scan(): AsyncGenerator<readonly StoredHead[], undefined> {
    const { path } = this.#environment;
    const prefix = this.#key('');
    for (let start: string | undefined = prefix; start !== undefined; ) {
      if (this.#closing !== undefined) throw storeClosed('scan');
      let step: { readonly heads: readonly StoredHead[]; readonly next: string | undefined };
      try {
        step = this.#scanStep(start, prefix);
      } catch (error) {
        throw wrapLmdbError(error, 'scan', path);
      }
      if (step.heads.length > 0) yield step.heads;
      start = step.next;
      await yieldToOthers();
    }
  }

  async setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean> {
    checkValue(value);
    const [isSet = false] = await this.#setAbsent('setIfAbsent', [key], { value: wellFormed(value), ttlMs });
    return isSet;
  }

  async setManyIfAbsent(keys: readonly string[], ttlMs: number): Promise<readonly boolean[]> {
    return this.#setAbsent('setManyIfAbsent', keys, { value: '', ttlMs });
  }

  async renewLease(key: string, value: string, ttlMs: number): Promise<boolean> {
    checkTtl(ttlMs);
    const { absent } = this.#environment;
    return this.#ifHeld('renewLease', { key, value }, (name, nowMs) =>
      absent.put(name, [nowMs + ttlMs, wellFormed(value)]),
    );
  }

  async releaseLease(key: string, value: string): Promise<boolean> {
    const { absent } = this.#environment;
    return this.#ifHeld('releaseLease', { key, value }, (name) => absent.remove(name));
  }

  async delete(keys: readonly string[]): Promise<void> {
    const { versioned, absent } = this.#environment;
    await this.#write('delete', () => {
      for (const key of keys) {
        void versioned.remove(this.#key(key));
        void absent.remove(this.#key(key));
      }
    });
  }

  async publish(channel: string, message: string): Promise<void> {
    if (this.#closing !== undefined) throw storeClosed('publish');
    this.#channels.publish(this.#key(channel), wellFormed(message));
  }

  async subscribe(channel: string, onMessage: (message: string) => void): Promise<() => Promise<void>> {
    if (this.#closing !== undefined) throw storeClosed('subscribe');
    const end = this.#channels.subscribe(this.#key(channel), onMessage);
    return async () => end();
  }

  async ping(timeoutMs: number): Promise<void> {
    await this.#write('ping', () => undefined, timeoutMs);
  }

  async info(timeoutMs: number): Promise<EngineInfo> {
    await this.#write('info', () => undefined, timeoutMs);
    return { engine: 'LMDB', version: this.#environment.version, where: this.#environment.path };
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#channels.close();
    await Promise.allSettled(this.#running);
    await this.#environment.release();
  }

  async #readAll(operation: string, keys: readonly string[]): Promise<readonly (StoredRecord | null)[]> {
    if (this.#closing !== undefined) throw storeClosed(operation);
    const nowMs = this.#options.now();
    const { versioned, path } = this.#environment;
    try {
      return keys.map((key) => {
        const stored = versioned.get(this.#key(key));
        if (stored === undefined || stored[1] <= nowMs) return null;
        return { ...headOf(key, stored), value: stored[2] };
      });
    } catch (error) {
      throw wrapLmdbError(error, operation, path);
    }
  }

  /** The keys of the prefix from a name on; the name that the next step begins with is not among them. */
  #scanStep(start: string, prefix: string) {
    const nowMs = this.#options.now();
    const entries = [...this.#environment.versioned.getRange({ start, limit: SCAN_KEYS + 1 })];
    const own = entries.slice(0, SCAN_KEYS).filter(({ key }) => key.startsWith(prefix));
    const next = entries[SCAN_KEYS]?.key;
    return {
      heads: own.flatMap(({ key, value }) =>
        value[1] > nowMs ? [headOf(key.slice(prefix.length), value)] : [],
      ),
      next: next?.startsWith(prefix) === true ? next : undefined,
    };
  }

  #put({ key, version, value, ttlMs, owner }: VersionedWrite, nowMs: number): void {
    const text = value === null ? null : wellFormed(value);
    const record = [version, nowMs + ttlMs, text] as const;
    void this.#environment.versioned.put(this.#key(key), owner === undefined ? record : [...record, owner]);
  }

  #key(key: string): string {
    return wellFormed(`${this.#options.keyPrefix}${key}`);
  }

  async #setAbsent(
    operation: string,
    keys: readonly string[],
    { value, ttlMs }: { readonly value: string; readonly ttlMs: number },
  ): Promise<readonly boolean[]> {
    keys.forEach(checkKey);
    checkTtl(ttlMs);
    const { absent } = this.#environment;
    return this.#write(operation, (nowMs) =>
      keys.map((key) => {
        const name = this.#key(key);
        const stored = absent.get(name);
        if (stored !== undefined && stored[0] > nowMs) return false;
        void absent.put(name, [nowMs + ttlMs, value]);
        return true;
      }),
    );
  }

  async #ifHeld(
    operation: string,
    { key, value }: { readonly key: string; readonly value: string },
    action: (name: string, nowMs: number) => Promise<unknown>,
  ): Promise<boolean> {
    checkKey(key);
    const name = this.#key(key);
    const { absent } = this.#environment;
    return this.#write(operation, (nowMs) => {
      const stored = absent.get(name);
      if (stored === undefined || stored[0] <= nowMs || stored[1] !== wellFormed(value)) return false;
      void action(name, nowMs);
      return true;
    });
  }

  async #write<T>(
    operation: string,
    action: (nowMs: number) => T,
    deadlineMs = this.#options.deadlineMs,
  ): Promise<T> {
    if (this.#closing !== undefined) throw storeClosed(operation);
    const running = this.#commit(action).finally(() => this.#running.delete(running));
    this.#running.add(running);
    try {
      return await withDeadline(running, deadlineMs, () => storeTimedOut(operation, deadlineMs));
    } catch (error) {
      throw wrapLmdbError(error, operation, this.#environment.path);
    }
  }

  async #commit<T>(action: (nowMs: number) => T): Promise<T> {
    const { root } = this.#environment;
    const answer = await commit(root, () => action(this.#options.now()));
    await root.flushed;
    return answer;
  }
}

function headOf(key: string, [version, , value, owner]: VersionedRecord): StoredHead {
  return { key, version, owner: owner ?? null, isDeleted: value === null };
}
