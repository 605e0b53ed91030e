import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { OnlineStore, VersionedWrite } from './port.ts';

/** Opens a store on the engine under test with the key prefix given. */
export type OpenStore = (keyPrefix: string) => Promise<OnlineStore>;
/** The store that most tests use, with its prefix and a key of the test's own. */
export type Use = () => { readonly store: OnlineStore; readonly prefix: string; readonly key: string };

/** An entry that lives for a minute unless the test says otherwise. */
export const write = (
  key: string,
  value: string | null,
  version: number,
  ttlMs = 60_000,
): VersionedWrite => ({
  key,
  value,
  version,
  ttlMs,
});

const CLIENTS = 6;

/** What holds when several clients, each with connections of its own, write the same keys at once. */
export function races(use: Use, open: OpenStore): void {
  it('applies each version once at most, and the highest once, whoever comes when', async () => {
    const { prefix, key } = use();
    const outcome = await withClients(open, prefix, async (clients) => {
      // Every version comes from two clients: a task and the stale owner of the same task.
      const calls = shuffled(120).flatMap((version, i) => [i, i + 1].map((client) => ({ version, client })));
      return Promise.all(
        calls.map(async ({ version, client }) => {
          const store = clients[client % CLIENTS] as OnlineStore;
          const [applied] = await store.setIfNewer([{ key, value: `v${version}`, version, ttlMs: 60_000 }]);
          return { version, applied };
        }),
      );
    });
    const applied = outcome.filter((call) => call.applied).map((call) => call.version);
    expect(new Set(applied).size).toBe(applied.length);
    expect(applied).toContain(120);
    expect(await use().store.readMany([key])).toEqual(['v120']);
  });

  it('never lets a value go back, as any reader sees it', async () => {
    const { store, prefix, key } = use();
    const seen: number[] = [];
    await withClients(open, prefix, async (clients) => {
      let isDone = false;
      const read = async () => {
        while (!isDone) {
          const [value = null] = await store.readMany([key]);
          if (value !== null) seen.push(Number(value));
          await sleep(1);
        }
      };
      const writeAll = clients.map(async (client, first) => {
        for (let version = first + 1; version <= 300; version += CLIENTS - 1)
          await client.setIfNewer([{ key, value: `${version}`, version, ttlMs: 60_000 }]);
      });
      const written = Promise.all(writeAll).finally(() => {
        isDone = true;
      });
      await Promise.all([written, read()]);
    });
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(await store.readMany([key])).toEqual(['300']);
  });

  it('has exactly one winner of a lease for each time that it expires', async () => {
    const { prefix, key } = use();
    const winners = await withClients(open, prefix, async (clients) => {
      const rounds: number[] = [];
      const untilMs = performance.now() + 10_000;
      while (rounds.length < 5 && performance.now() < untilMs) {
        const won = await Promise.all(
          clients.flatMap((client, name) => [0, 1].map((i) => client.setIfAbsent(key, `${name}.${i}`, 400))),
        );
        const count = won.filter(Boolean).length;
        if (count > 0) rounds.push(count);
        await sleep(10);
      }
      return rounds;
    });
    expect(winners).toEqual([1, 1, 1, 1, 1]);
  });
}

async function withClients<T>(
  open: OpenStore,
  prefix: string,
  body: (clients: readonly OnlineStore[]) => Promise<T>,
): Promise<T> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => open(prefix)));
  try {
    return await body(clients);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

/** 1 to n, each once; 53 has no factor in common with the counts used here. */
function shuffled(n: number): readonly number[] {
  return Array.from({ length: n }, (_, i) => ((i * 53) % n) + 1);
}
