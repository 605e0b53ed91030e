import { withDeadline } from '../deadline.ts';
import type { EngineInfo } from '../engine-info.ts';
import { commit } from './lmdb-commit.ts';
import { checkKey, checkTtl, checkValue, checkWrite, wellFormed } from './limits.ts';
import {
  openLmdbEnvironment,
  type LmdbEnvironment,
  type LmdbEnvironmentOptions,
} from './lmdb-environment.ts';
import { LocalChannels } from './local-channels.ts';
import type { OnlineStore, VersionedWrite } from './port.ts';
import { storeClosed, storeTimedOut, wrapLmdbError } from './store-error.ts';

export interface LmdbStoreOptions extends LmdbEnvironmentOptions {
  readonly keyPrefix: string;
  readonly deadlineMs: number;
}

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
      writes.map(({ key, value, version, ttlMs }) => {
        const name = this.#key(key);
        const stored = versioned.get(name);
        if (stored !== undefined && stored[1] > nowMs && version <= stored[0]) return false;
        void versioned.put(name, [version, nowMs + ttlMs, value === null ? null : wellFormed(value)]);
        return true;
      }),
    );
  }

  async readMany(keys: readonly string[]): Promise<readonly (string | null)[]> {
    if (this.#closing !== undefined) throw storeClosed('readMany');
    const nowMs = this.#options.now();
    const { versioned, path } = this.#environment;
    try {
      return keys.map((key) => {
        const stored = versioned.get(this.#key(key));
        return stored !== undefined && stored[1] > nowMs ? stored[2] : null;
      });
    } catch (error) {
      throw wrapLmdbError(error, 'readMany', path);
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
