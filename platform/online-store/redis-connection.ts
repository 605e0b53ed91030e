import { Redis } from 'ioredis';
import { withDeadline } from '../deadline.ts';
import { errorText } from '../errors.ts';
import type { Logger } from '../log.ts';
import { storeTimedOut, wrapRedisError } from './store-error.ts';
import { SET_IF_NEWER } from './redis-record.ts';

export interface RedisConnectionOptions {
  readonly url: string;
  readonly deadlineMs: number;
  readonly log: Logger;
  readonly role: 'commands' | 'subscriber';
}

const LONGEST_RECONNECT_DELAY_MS = 2000;

/**
 * A connection on which nothing waits: while it is down every command fails at once, and what was under way when it
 * broke fails too instead of being sent again behind the caller's back. It reconnects for ever.
 */
export function createRedis({ url, deadlineMs, log, role }: RedisConnectionOptions): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: Math.max(1000, deadlineMs),
    // A server that hangs while the connection stands would keep it for ever.
    ...(role === 'commands' ? { socketTimeout: Math.max(2000, 4 * deadlineMs) } : {}),
    connectionName: `millrace-${role}`,
    retryStrategy: (attempt) =>
      Math.min(LONGEST_RECONNECT_DELAY_MS, 25 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2),
    // After a failover the old primary answers READONLY: look the new one up.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    scripts: { setIfNewer: { lua: SET_IF_NEWER, numberOfKeys: 1 } },
  });
  let down = false;
  redis.on('ready', () => {
    if (down) log.info({ role }, 'Redis is reachable again');
    down = false;
  });
  redis.on('error', (error: unknown) => {
    if (!down) log.warn({ role, error: errorText(error) }, 'Redis is not reachable; check MR_REDIS_URL');
    down = true;
  });
  return redis;
}

/**
 * Resolves when the connection is ready.
 * @throws MillraceError MR_ONLINE_STORE_UNAVAILABLE after the time given, MR_ONLINE_STORE_FAILED where Redis refuses
 * the credentials; the connection goes on trying until it is disconnected.
 */
export async function whenReady(redis: Redis, timeoutMs: number): Promise<void> {
  if (redis.status === 'ready') return;
  let onReady: () => void = () => undefined;
  let onError: (error: unknown) => void = () => undefined;
  const ready = new Promise<void>((resolve, reject) => {
    onReady = resolve;
    // Refused connections are tried again within the time; a refusal by Redis itself is final.
    onError = (error) => {
      if (error instanceof Error && error.name === 'ReplyError') reject(error);
    };
    redis.on('ready', onReady).on('error', onError);
  });
  if (redis.status === 'wait' || redis.status === 'end') redis.connect().catch(() => undefined); // 'error' tells more
  try {
    await withDeadline(ready, timeoutMs, () => storeTimedOut('connect', timeoutMs));
  } catch (error) {
    throw wrapRedisError(error, 'connect');
  } finally {
    redis.off('ready', onReady).off('error', onError);
  }
}
