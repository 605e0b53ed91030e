import type { ChainableCommander, Redis } from 'ioredis';
import { withDeadline } from '../deadline.ts';
import type { Logger } from '../log.ts';
import type { OnlineStore, VersionedWrite } from './port.ts';
import { createRedis, whenReady } from './redis-connection.ts';
import { decodeRecord, encodeRecord } from './redis-record.ts';
import { RedisSubscriber } from './redis-subscriber.ts';
import { checkKey, checkTtl, checkWrite, storeClosed, storeTimedOut, wrapRedisError } from './store-error.ts';

export interface RedisStoreOptions {
  readonly url: string;
  readonly keyPrefix: string;
  readonly deadlineMs: number;
  readonly log: Logger;
}

/** Entries of one round trip; the deadline holds for each. */
const BATCH = 1000;
/** Time for the first connection. */
const CONNECT_TIMEOUT_MS = 5000;

interface ScriptCommands {
  setIfNewer(key: string, version: number, record: string, ttlMs: number): ChainableCommander;
}

/**
 * The online store on Redis or Valkey. Keys of setIfNewer are `<prefix>v:<key>`, those of setIfAbsent `<prefix>a:<key>`.
 * @throws MillraceError MR_ONLINE_STORE_UNAVAILABLE, MR_ONLINE_STORE_FAILED (credentials)
 */
export async function openRedisStore(options: RedisStoreOptions): Promise<OnlineStore> {
  const redis = createRedis({ ...options, role: 'commands' });
  try {
    await whenReady(redis, Math.max(CONNECT_TIMEOUT_MS, options.deadlineMs));
  } catch (error) {
    redis.disconnect();
    throw error;
  }
  return new RedisStore(redis, options);
}

class RedisStore implements OnlineStore {
  readonly kind = 'redis';
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #deadlineMs: number;
  readonly #subscriber: RedisSubscriber;
  #closed = false;

  constructor(redis: Redis, options: RedisStoreOptions) {
    this.#redis = redis;
    this.#prefix = options.keyPrefix;
    this.#deadlineMs = options.deadlineMs;
    this.#subscriber = new RedisSubscriber({ ...options, role: 'subscriber' });
  }

  async setIfNewer(writes: readonly VersionedWrite[]): Promise<readonly boolean[]> {
    writes.forEach(checkWrite);
    return this.#inBatches('setIfNewer', writes, async (batch) => {
      const pipeline = this.#redis.pipeline();
      const scripts = pipeline as unknown as ScriptCommands; // made by the `scripts` option
      for (const { key, value, version, ttlMs } of batch)
        scripts.setIfNewer(this.#versioned(key), version, encodeRecord(version, value), ttlMs);
      return (await results(pipeline)).map((result) => result === 1);
    });
  }

  async readMany(keys: readonly string[]): Promise<readonly (string | null)[]> {
    return this.#inBatches('readMany', keys, async (batch) => {
      const records = await this.#redis.mget(batch.map((key) => this.#versioned(key)));
      return records.map(decodeRecord);
    });
  }

  async setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean> {
    checkKey(key);
    checkTtl(ttlMs);
    return this.#run('setIfAbsent', async () => {
      return (await this.#redis.set(this.#absent(key), value, 'PX', ttlMs, 'NX')) === 'OK';
    });
  }

  async setManyIfAbsent(keys: readonly string[], ttlMs: number): Promise<readonly boolean[]> {
    keys.forEach(checkKey);
    checkTtl(ttlMs);
    return this.#inBatches('setManyIfAbsent', keys, async (batch) => {
      const pipeline = this.#redis.pipeline();
      for (const key of batch) pipeline.set(this.#absent(key), '', 'PX', ttlMs, 'NX');
      return (await results(pipeline)).map((result) => result === 'OK');
    });
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.#inBatches('delete', keys, async (batch) => {
      const pipeline = this.#redis.pipeline();
      for (const key of batch) pipeline.unlink(this.#versioned(key)).unlink(this.#absent(key));
      return results(pipeline);
    });
  }

  async publish(channel: string, message: string): Promise<void> {
    await this.#run('publish', () => this.#redis.publish(`${this.#prefix}${channel}`, message));
  }

  async subscribe(channel: string, onMessage: (message: string) => void): Promise<() => Promise<void>> {
    if (this.#closed) throw storeClosed('subscribe');
    return this.#subscriber.subscribe(`${this.#prefix}${channel}`, onMessage);
  }

  async ping(timeoutMs: number): Promise<void> {
    await this.#run('ping', () => this.#redis.ping(), timeoutMs);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#subscriber.close();
    // Lets what is under way end; a server that is away must not keep the process open.
    await withDeadline(this.#redis.quit(), this.#deadlineMs, () =>
      storeTimedOut('close', this.#deadlineMs),
    ).catch(() => undefined);
    this.#redis.disconnect();
  }

  #versioned(key: string): string {
    return `${this.#prefix}v:${key}`;
  }

  #absent(key: string): string {
    return `${this.#prefix}a:${key}`;
  }

  async #inBatches<I, O>(
    operation: string,
    items: readonly I[],
    call: (batch: readonly I[]) => Promise<readonly O[]>,
  ): Promise<readonly O[]> {
    const all: O[] = [];
    for (let start = 0; start < items.length; start += BATCH) {
      const batch = items.slice(start, start + BATCH);
      all.push(...(await this.#run(operation, () => call(batch))));
    }
    return all;
  }

  async #run<T>(operation: string, call: () => Promise<T>, deadlineMs = this.#deadlineMs): Promise<T> {
    if (this.#closed) throw storeClosed(operation);
    try {
      return await withDeadline(call(), deadlineMs, () => storeTimedOut(operation, deadlineMs));
    } catch (error) {
      throw wrapRedisError(error, operation);
    }
  }
}

/** The results of a pipeline; the first error where there is one. */
async function results(pipeline: ChainableCommander): Promise<readonly unknown[]> {
  const answers = (await pipeline.exec()) ?? [];
  return answers.map(([error, result]) => {
    if (error !== null) throw error;
    return result;
  });
}
