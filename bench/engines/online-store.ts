import { join } from 'node:path';
import { Redis } from 'ioredis';
import { open as openLmdb } from 'lmdb';
import { Secret } from '../../platform/config.ts';
import type { Logger } from '../../platform/log.ts';
import { openOnlineStore } from '../../platform/online-store/index.ts';
import type { OnlineStore } from '../../platform/online-store/port.ts';
import { inFlight, rateOf, takeTurns, type Rounds } from '../rounds.ts';

const KEYS_OF_A_CALL = 100;
const KEYS = 10_000;
const CALLS_IN_FLIGHT = 4;
const TTL_MS = 3_600_000;
const VALUE = 'x'.repeat(200);

export interface StoreRates {
  /** Keys a second. */
  readonly write: Rounds<string>;
  readonly read: Rounds<string>;
}

interface Load {
  readonly operations: number;
  readonly rounds: number;
  readonly dataDir: string;
  readonly log: Logger;
}

/** The keys of a call; calls go round the whole set. */
function keysOf(call: number): string[] {
  return Array.from({ length: KEYS_OF_A_CALL }, (_, i) => `bench:k${(call * KEYS_OF_A_CALL + i) % KEYS}`);
}

let version = 0;

function writing(store: OnlineStore, operations: number): () => Promise<number> {
  return () =>
    rateOf(operations, () =>
      inFlight(operations / KEYS_OF_A_CALL, CALLS_IN_FLIGHT, (call) => {
        version++;
        return store.setIfNewer(keysOf(call).map((key) => ({ key, value: VALUE, version, ttlMs: TTL_MS })));
      }),
    );
}

function reading(store: OnlineStore, operations: number): () => Promise<number> {
  return () =>
    rateOf(operations, () =>
      inFlight(operations / KEYS_OF_A_CALL, CALLS_IN_FLIGHT, async (call) => {
        const values = await store.readMany(keysOf(call));
        if (values.includes(null)) throw new Error('a key that was written is not there');
      }),
    );
}

/** setIfNewer and readMany beside plain SET and MGET of ioredis on the same server. */
export async function benchRedis(
  url: string,
  { operations, rounds, dataDir, log }: Load,
): Promise<StoreRates> {
  const store = await openOnlineStore({
    redis: { url: new Secret(url) },
    dataDir,
    keyPrefix: 'bench:',
    deadlineMs: 10_000,
    log,
  });
  const raw = new Redis(url);
  const rawWrite = () =>
    rateOf(operations, () =>
      inFlight(operations / KEYS_OF_A_CALL, CALLS_IN_FLIGHT, (call) => {
        const pipeline = raw.pipeline();
        for (const key of keysOf(call)) pipeline.set(`raw:${key}`, VALUE, 'PX', TTL_MS);
        return pipeline.exec();
      }),
    );
  const rawRead = () =>
    rateOf(operations, () =>
      inFlight(operations / KEYS_OF_A_CALL, CALLS_IN_FLIGHT, (call) =>
        raw.mget(keysOf(call).map((key) => `raw:${key}`)),
      ),
    );
  try {
    return {
      write: await takeTurns({ port: writing(store, operations), rawIoredis: rawWrite }, rounds),
      read: await takeTurns({ port: reading(store, operations), rawIoredis: rawRead }, rounds),
    };
  } finally {
    await store.close();
    await raw.quit();
  }
}

/** The same on LMDB, beside plain puts and gets of lmdb. */
export async function benchLmdb({ operations, rounds, dataDir, log }: Load): Promise<StoreRates> {
  const store = await openOnlineStore({
    redis: { url: undefined },
    dataDir,
    keyPrefix: 'bench:',
    deadlineMs: 10_000,
    log,
  });
  const raw = openLmdb({ path: join(dataDir, 'raw-lmdb'), noSubdir: false, maxDbs: 1 });
  const rawWrite = () =>
    rateOf(operations, async () => {
      await inFlight(operations / KEYS_OF_A_CALL, CALLS_IN_FLIGHT, (call) =>
        Promise.all(keysOf(call).map((key) => raw.put(key, VALUE))),
      );
      await raw.flushed;
    });
  const rawRead = () =>
    rateOf(operations, () =>
      inFlight(operations / KEYS_OF_A_CALL, CALLS_IN_FLIGHT, async (call) =>
        keysOf(call).map((key) => raw.get(key)),
      ),
    );
  try {
    return {
      write: await takeTurns({ port: writing(store, operations), rawLmdb: rawWrite }, rounds),
      read: await takeTurns({ port: reading(store, operations), rawLmdb: rawRead }, rounds),
    };
  } finally {
    await store.close();
    await raw.close();
  }
}
