import { join } from 'node:path';
import type { RedisConfig } from '../config.ts';
import type { Logger } from '../log.ts';
import type { Lmdb } from './lmdb-environment.ts';
import { openLmdbStore } from './lmdb-store.ts';
import type { OnlineStore } from './port.ts';
import { redisEndpoint } from './redis-endpoint.ts';
import { openRedisStore } from './redis-store.ts';

export interface OpenOnlineStoreOptions {
  /** Without a URL: LMDB in `online-store` of the data folder. */
  readonly redis: RedisConfig;
  readonly dataDir: string;
  /** Stands before every key and channel: the namespace. */
  readonly keyPrefix: string;
  /** Longest time of a call; 500 where absent. */
  readonly deadlineMs?: number;
  readonly log: Logger;
  /** Clock of the expiry in LMDB; Redis has its own. */
  readonly now?: () => number;
  /** Loads lmdb; for tests. */
  readonly loadLmdb?: () => Promise<Lmdb>;
}

/**
 * The online store on Redis, or on LMDB in this process where no URL is given.
 * @throws MillraceError MR_ONLINE_STORE_UNAVAILABLE, MR_ONLINE_STORE_FAILED, MR_CONFIG_INVALID, MR_ENGINE_AUTH_FAILED,
 * MR_ENGINE_TLS_FAILED, MR_ENGINE_TOO_OLD, MR_EMBEDDED_UNAVAILABLE, MR_EMBEDDED_IN_USE
 */
export async function openOnlineStore(options: OpenOnlineStoreOptions): Promise<OnlineStore> {
  const { redis, keyPrefix, deadlineMs = 500, log } = options;
  const store =
    redis.url === undefined
      ? await openLmdbStore({
          path: join(options.dataDir, 'online-store'),
          keyPrefix,
          deadlineMs,
          now: options.now ?? Date.now,
          log,
          load: options.loadLmdb ?? (() => import('lmdb')),
        })
      : await openRedisStore({
          endpoint: redisEndpoint(redis),
          isCluster: redis.isCluster === true,
          keyPrefix,
          deadlineMs,
          log,
        });
  log.info({ kind: store.kind }, 'the online store is open');
  return store;
}
