import { withDeadline } from '../deadline.ts';
import type { EngineInfo } from '../engine-info.ts';
import { InFlight } from './in-flight.ts';
import { checkKey, checkTtl, checkValue, checkWrite } from './limits.ts';
import type { ConditionalWrite, OnlineStore, StoredHead, StoredRecord, VersionedWrite } from './port.ts';
import { RedisConnection, type RedisClientOptions } from './redis-client.ts';
import { redisEngine, requireRedisVersion } from './redis-engine.ts';
import { decodeRecord, decodeStored, encodeRecord } from './redis-record.ts';
import { scanNode } from './redis-scan.ts';
import {
  PUBLISH,
  RELEASE_LEASE,
  RENEW_LEASE,
  runScript,
  SET_IF_NEWER,
  SET_IF_VERSION,
} from './redis-script.ts';
import { RedisSubscriber } from './redis-subscriber.ts';
import { notConnected, storeClosed, storeTimedOut, wrapRedisError } from './store-error.ts';

export interface RedisStoreOptions extends RedisClientOptions {
  readonly keyPrefix: string;
}

/** What is sent before an answer is waited for. */
const BATCH_ENTRIES = 1000;
const BATCH_BYTES = 2 ** 20;
/** Keys of one script call: a fraction of a millisecond in which Redis does nothing else. */
const SCRIPT_KEYS = 50;
/** Commands and their values that wait for answers. */
const IN_FLIGHT_BYTES = 64 * 2 ** 20;
/** Time for the first connection. */
const CONNECT_TIMEOUT_MS = 5000;

/** A call whose deadline may pass between its batches. */
interface Call {
  isOver: boolean;
}

/**
 * The online store on Redis or Valkey, a single server or a cluster. Keys of setIfNewer are `<prefix>v:<key>`, those of
 * setIfAbsent `<prefix>a:<key>`.
 * @throws MillraceError MR_ONLINE_STORE_UNAVAILABLE, MR_ENGINE_AUTH_FAILED, MR_ENGINE_TLS_FAILED, MR_ENGINE_TOO_OLD
 */
export async function openRedisStore(options: RedisStoreOptions): Promise<OnlineStore> {
  const connection = new RedisConnection(options);
  const store = new RedisStore(connection, options);
  try {
    await connection.connect(Math.max(CONNECT_TIMEOUT_MS, options.deadlineMs));
    await store.requireVersions(CONNECT_TIMEOUT_MS);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

class RedisStore implements OnlineStore {
  readonly kind = 'redis';
  readonly #connection: RedisConnection;
  readonly #prefix: string;
  readonly #deadlineMs: number;
  readonly #subscriber: RedisSubscriber;
  readonly #inFlight = new InFlight(IN_FLIGHT_BYTES);
  #closing: Promise<void> | undefined;

  constructor(connection: RedisConnection, options: RedisStoreOptions) {
    this.#connection = connection;
    this.#prefix = options.keyPrefix;
    this.#deadlineMs = options.deadlineMs;
    this.#subscriber = new RedisSubscriber({ ...options, addresses: () => connection.addresses() });
  }

  async setIfNewer(writes: readonly VersionedWrite[]): Promise<readonly boolean[]> {
    writes.forEach(checkWrite);
    const sizeOf = ({ key, value }: VersionedWrite) => key.length + (value?.length ?? 0);
    return this.#inBatches('setIfNewer', { items: writes, sizeOf }, async (batch) => {
      // The keys of one script call must be in one slot of a cluster.
      const groups = chunks(batch, this.#connection.isCluster ? 1 : SCRIPT_KEYS);
      const answers = await Promise.all(groups.map((group) => this.#setGroup(group)));
      return answers.flat().map((answer) => answer === 1);
    });
  }

  async setIfVersion(writes: readonly ConditionalWrite[]): Promise<readonly boolean[]> {
    writes.forEach(checkWrite);
    const { client } = this.#connection;
    const sizeOf = ({ key, value }: VersionedWrite) => key.length + (value?.length ?? 0);
    return this.#inBatches('setIfVersion', { items: writes, sizeOf }, async (batch) => {
      const sets = batch.map((write) =>
        runScript(
          client,
          SET_IF_VERSION,
          [this.#versioned(write.key)],
          [write.expected ?? '', encodeRecord(write), write.ttlMs],
        ),
      );
      return (await Promise.all(sets)).map((answer) => answer === 1);
    });
  }

  async readMany(keys: readonly string[]): Promise<readonly (string | null)[]> {
    return this.#inBatches('readMany', { items: keys, sizeOf: lengthOf }, async (batch) =>
      (await this.#recordsOf(batch)).map(decodeRecord),
    );
  }

  async readRecords(keys: readonly string[]): Promise<readonly (StoredRecord | null)[]> {
    return this.#inBatches('readRecords', { items: keys, sizeOf: lengthOf }, async (batch) => {
      const records = await this.#recordsOf(batch);
      return batch.map((key, index) => decodeStored(key, records[index] ?? null));
    });
  }

  async *scan(): AsyncGenerator<readonly StoredHead[], undefined> {
    const { client } = this.#connection;
    const prefix = this.#versioned('');
    const nodes = await this.#run('scan', () => Promise.resolve(this.#connection.nodes()));
    for (const node of nodes) {
      for (let cursor: string | undefined = '0'; cursor !== undefined; ) {
        const at: string = cursor;
        const step = await this.#run('scan', () => scanNode({ node, client, prefix }, at));
        if (step.heads.length > 0) yield step.heads;
        cursor = step.next;
      }
    }
  }

  async setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean> {
    checkValue(value);
    const [isSet = false] = await this.#setAbsent('setIfAbsent', [key], { value, ttlMs });
    return isSet;
  }

  async setManyIfAbsent(keys: readonly string[], ttlMs: number): Promise<readonly boolean[]> {
    return this.#setAbsent('setManyIfAbsent', keys, { value: '', ttlMs });
  }

  async renewLease(key: string, value: string, ttlMs: number): Promise<boolean> {
    checkKey(key);
    checkTtl(ttlMs);
    const { client } = this.#connection;
    return this.#one('renewLease', value, () =>
      runScript(client, RENEW_LEASE, [this.#absent(key)], [value, ttlMs]),
    );
  }

  async releaseLease(key: string, value: string): Promise<boolean> {
    checkKey(key);
    const { client } = this.#connection;
    return this.#one('releaseLease', value, () =>
      runScript(client, RELEASE_LEASE, [this.#absent(key)], [value]),
    );
  }

  async delete(keys: readonly string[]): Promise<void> {
    const { client, isCluster } = this.#connection;
    await this.#inBatches('delete', { items: keys, sizeOf: lengthOf }, async (batch) => {
      const names = batch.flatMap((key) => [this.#versioned(key), this.#absent(key)]);
      if (isCluster) return Promise.all(names.map((name) => client.unlink(name)));
      return [await client.unlink(...names)];
    });
  }

  async publish(channel: string, message: string): Promise<void> {
    const { client } = this.#connection;
    await this.#one('publish', message, () =>
      runScript(client, PUBLISH, [`${this.#prefix}${channel}`], [message]),
    );
  }

  async subscribe(channel: string, onMessage: (message: string) => void): Promise<() => Promise<void>> {
    if (this.#closing !== undefined) throw storeClosed('subscribe');
    return this.#subscriber.subscribe(`${this.#prefix}${channel}`, onMessage);
  }

  async ping(timeoutMs: number): Promise<void> {
    // A cluster answers as long as a node does: the others' keys are reported by the calls for them.
    await this.#run(
      'ping',
      () => Promise.any(this.#connection.nodes().map((node) => node.ping())),
      timeoutMs,
    );
  }

  async info(timeoutMs: number): Promise<EngineInfo> {
    const ask = () => Promise.any(this.#connection.nodes().map((node) => node.info('server')));
    const { engine, version } = redisEngine(await this.#run('info', ask, timeoutMs));
    const { isCluster, where } = this.#connection;
    return { engine: isCluster ? `${engine} Cluster` : engine, version, where };
  }

  /** @throws MillraceError MR_ENGINE_TOO_OLD where a node is */
  async requireVersions(timeoutMs: number): Promise<void> {
    const ask = () => Promise.allSettled(this.#connection.nodes().map((node) => node.info('server')));
    // A node that is away, or a user without the right to ask, says nothing of versions.
    for (const answer of await this.#run('info', ask, timeoutMs))
      if (answer.status === 'fulfilled') requireRedisVersion(redisEngine(answer.value));
  }

  close(): Promise<void> {
    this.#subscriber.close();
    return (this.#closing ??= this.#connection.close(this.#deadlineMs));
  }

  #versioned(key: string): string {
    return `${this.#prefix}v:${key}`;
  }

  #absent(key: string): string {
    return `${this.#prefix}a:${key}`;
  }

  async #recordsOf(keys: readonly string[]): Promise<readonly (string | null)[]> {
    const { client, isCluster } = this.#connection;
    const names = keys.map((key) => this.#versioned(key));
    return isCluster ? Promise.all(names.map((name) => client.get(name))) : client.mget(names);
  }

  async #setGroup(group: readonly VersionedWrite[]): Promise<readonly unknown[]> {
    const keys = group.map(({ key }) => this.#versioned(key));
    const args = group.flatMap((write) => [encodeRecord(write), write.ttlMs]);
    return (await runScript(this.#connection.client, SET_IF_NEWER, keys, args)) as readonly unknown[];
  }

  async #setAbsent(
    operation: string,
    keys: readonly string[],
    { value, ttlMs }: { readonly value: string; readonly ttlMs: number },
  ): Promise<readonly boolean[]> {
    keys.forEach(checkKey);
    checkTtl(ttlMs);
    const { client } = this.#connection;
    const sizeOf = (key: string) => key.length + value.length;
    return this.#inBatches(operation, { items: keys, sizeOf }, async (batch) => {
      const sets = batch.map((key) => client.set(this.#absent(key), value, 'PX', ttlMs, 'NX'));
      return (await Promise.all(sets)).map((answer) => answer === 'OK');
    });
  }

  /** One command with a yes or no. */
  async #one(operation: string, text: string, command: () => Promise<unknown>): Promise<boolean> {
    return (await this.#run(operation, () => this.#send(1, text.length, command))) === 1;
  }

  /** One batch after the other, all within one deadline. */
  #inBatches<I, O>(
    operation: string,
    { items, sizeOf }: { readonly items: readonly I[]; readonly sizeOf: (item: I) => number },
    send: (batch: readonly I[]) => Promise<readonly O[]>,
  ): Promise<readonly O[]> {
    return this.#run(operation, async (call) => {
      if (items.length === 0) return [];
      const first = nextBatch(items, 0, sizeOf);
      if (first.end === items.length) return this.#send(items.length, first.size, () => send(items));
      const all: O[] = [];
      for (let start = 0, next = first; start < items.length && !call.isOver; ) {
        const batch = items.slice(start, next.end);
        for (const answer of await this.#send(batch.length, next.size, () => send(batch))) all.push(answer);
        start = next.end;
        next = nextBatch(items, start, sizeOf);
      }
      return all; // where the call is over nobody waits for it
    });
  }

  async #send<T>(commands: number, size: number, command: () => Promise<T>): Promise<T> {
    const bytes = this.#inFlight.enter(commands, size);
    try {
      return await command();
    } finally {
      this.#inFlight.leave(bytes);
    }
  }

  async #run<T>(
    operation: string,
    work: (call: Call) => Promise<T>,
    deadlineMs = this.#deadlineMs,
  ): Promise<T> {
    if (this.#closing !== undefined) throw storeClosed(operation);
    if (!this.#connection.isReady) throw notConnected(operation, this.#connection.fault?.text);
    const call: Call = { isOver: false };
    try {
      return await withDeadline(work(call), deadlineMs, () => {
        call.isOver = true;
        return storeTimedOut(operation, deadlineMs);
      });
    } catch (error) {
      throw wrapRedisError(error, operation, this.#connection.fault?.text);
    }
  }
}

function lengthOf(text: string): number {
  return text.length;
}

function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const all: (readonly T[])[] = [];
  for (let start = 0; start < items.length; start += size) all.push(items.slice(start, start + size));
  return all;
}

/** Where a batch that begins at `start` ends, and the length of its texts. */
function nextBatch<T>(
  items: readonly T[],
  start: number,
  sizeOf: (item: T) => number,
): { readonly end: number; readonly size: number } {
  let [end, size] = [start, 0];
  for (const last = Math.min(items.length, start + BATCH_ENTRIES); end < last && size < BATCH_BYTES; end++)
    size += sizeOf(items[end] as T);
  return { end, size };
}
