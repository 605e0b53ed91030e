import type { Redis } from 'ioredis';
import { withDeadline } from '../deadline.ts';
import { createRedis, whenReady, type RedisConnectionOptions } from './redis-connection.ts';
import { storeTimedOut, wrapRedisError } from './store-error.ts';

type OnMessage = (message: string) => void;

/** Subscriptions on a connection of their own, made at the first one; ioredis subscribes again after a reconnect. */
export class RedisSubscriber {
  readonly #options: RedisConnectionOptions;
  readonly #handlers = new Map<string, Set<OnMessage>>();
  #redis: Redis | undefined;

  constructor(options: RedisConnectionOptions) {
    this.#options = options;
  }

  /** Resolves when Redis has confirmed the subscription; the answer ends it. */
  async subscribe(channel: string, onMessage: OnMessage): Promise<() => Promise<void>> {
    const redis = (this.#redis ??= this.#connect());
    const { deadlineMs } = this.#options;
    await whenReady(redis, Math.max(1000, deadlineMs));
    const handlers = this.#handlers.get(channel) ?? new Set();
    this.#handlers.set(channel, handlers);
    const handler: OnMessage = (message) => onMessage(message); // one function may be subscribed twice
    handlers.add(handler);
    try {
      await withDeadline(redis.subscribe(channel), deadlineMs, () => storeTimedOut('subscribe', deadlineMs));
    } catch (error) {
      handlers.delete(handler);
      throw wrapRedisError(error, 'subscribe');
    }
    return () => this.#unsubscribe(redis, channel, handler);
  }

  async close(): Promise<void> {
    this.#redis?.disconnect();
    this.#handlers.clear();
  }

  #connect(): Redis {
    const redis = createRedis(this.#options);
    redis.on('message', (channel: string, message: string) => {
      for (const handler of this.#handlers.get(channel) ?? []) handler(message);
    });
    return redis;
  }

  async #unsubscribe(redis: Redis, channel: string, handler: OnMessage): Promise<void> {
    const handlers = this.#handlers.get(channel);
    if (handlers?.delete(handler) !== true || handlers.size > 0) return;
    this.#handlers.delete(channel);
    // Without a connection nothing is subscribed; a message that still comes finds no handler.
    await withDeadline(redis.unsubscribe(channel), this.#options.deadlineMs, () =>
      storeTimedOut('unsubscribe', this.#options.deadlineMs),
    ).catch(() => undefined);
  }
}
