import { Redis } from 'ioredis';
import { withDeadline } from '../deadline.ts';
import { connectionOptions, reconnectDelay, type Address, type RedisClientOptions } from './redis-client.ts';
import { faultOf, type RedisFault } from './redis-fault.ts';
import { storeTimedOut, wrapRedisError } from './store-error.ts';

type OnMessage = (message: string) => void;

export interface RedisSubscriberOptions extends RedisClientOptions {
  /** Servers that carry the same channels: the nodes of a cluster. */
  readonly addresses: () => readonly Address[];
}

const HEARTBEAT_MS = 3000;

/**
 * Subscriptions on a connection of their own, made at the first one. It is asked now and then whether it still lives,
 * since silence is no sign; when it is lost, the next address is tried and everything is subscribed again.
 */
export class RedisSubscriber {
  readonly #options: RedisSubscriberOptions;
  readonly #handlers = new Map<string, Set<OnMessage>>();
  #redis: Redis | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #fault: RedisFault | undefined;
  /** Resolves when everything is subscribed on the next connection. */
  #again = signal();

  constructor(options: RedisSubscriberOptions) {
    this.#options = options;
  }

  /** Resolves when Redis has confirmed the subscription; the answer ends it. */
  async subscribe(channel: string, onMessage: OnMessage): Promise<() => Promise<void>> {
    const redis = (this.#redis ??= this.#connect());
    const { deadlineMs } = this.#options;
    const handlers = this.#handlers.get(channel) ?? new Set();
    this.#handlers.set(channel, handlers);
    const handler: OnMessage = (message) => onMessage(message); // one function may be subscribed twice
    handlers.add(handler);
    // Whoever is here before the connection is subscribed with all the others when it comes.
    const confirmed = redis.status === 'ready' ? redis.subscribe(channel) : this.#again.promise;
    try {
      await withDeadline(confirmed, Math.max(1000, deadlineMs), () => storeTimedOut('subscribe', deadlineMs));
    } catch (error) {
      this.#forget(channel, handler);
      throw wrapRedisError(error, 'subscribe', this.#fault?.text);
    }
    return () => this.#unsubscribe(redis, channel, handler);
  }

  close(): void {
    clearInterval(this.#heartbeat);
    this.#redis?.disconnect();
    this.#handlers.clear();
  }

  #connect(): Redis {
    const { endpoint, addresses } = this.#options;
    let next = 0;
    const redis = new Redis({
      ...connectionOptions(this.#options, 'subscriber'),
      host: endpoint.host,
      port: endpoint.port,
      enableOfflineQueue: false,
      autoResubscribe: false, // its failure would go unseen
      retryStrategy: (attempt) => {
        const others = addresses();
        const address = others[next++ % Math.max(1, others.length)];
        if (address !== undefined) Object.assign(redis.options, { host: address.host, port: address.port });
        return reconnectDelay(attempt);
      },
    });
    redis.on('message', (channel: string, message: string) => {
      for (const handler of this.#handlers.get(channel) ?? []) handler(message);
    });
    redis.on('ready', () => {
      this.#fault = undefined;
      this.#subscribeAgain(redis);
    });
    redis.on('error', (error: unknown) => {
      this.#fault = faultOf(error, { isTls: endpoint.tls !== undefined, isNew: false }) ?? this.#fault;
    });
    redis.connect().catch(() => undefined); // 'error' tells more, and it goes on trying
    this.#heartbeat = setInterval(() => void this.#beat(redis), HEARTBEAT_MS).unref();
    return redis;
  }

  #subscribeAgain(redis: Redis): void {
    const channels = [...this.#handlers.keys()];
    const { resolve } = this.#again;
    this.#again = signal();
    if (channels.length === 0) return;
    // Without its channels the connection is of no use: it is made anew.
    redis.subscribe(...channels).then(resolve, () => redis.disconnect(true));
  }

  async #beat(redis: Redis): Promise<void> {
    if (redis.status !== 'ready') return;
    try {
      await withDeadline(redis.ping(), HEARTBEAT_MS, () => storeTimedOut('heartbeat', HEARTBEAT_MS));
    } catch {
      this.#options.log.warn(
        'the subscription to Redis does not answer and is made anew; messages may be missing',
      );
      redis.disconnect(true);
    }
  }

  async #unsubscribe(redis: Redis, channel: string, handler: OnMessage): Promise<void> {
    if (!this.#forget(channel, handler)) return;
    const { deadlineMs } = this.#options;
    // Without a connection nothing is subscribed; a message that still comes finds no handler.
    await withDeadline(redis.unsubscribe(channel), deadlineMs, () =>
      storeTimedOut('unsubscribe', deadlineMs),
    ).catch(() => undefined);
  }

  /** True when that was the last handler of the channel. */
  #forget(channel: string, handler: OnMessage): boolean {
    const handlers = this.#handlers.get(channel);
    if (handlers?.delete(handler) !== true || handlers.size > 0) return false;
    this.#handlers.delete(channel);
    return true;
  }
}

interface Signal {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function signal(): Signal {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
