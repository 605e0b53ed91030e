import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { redisInstalled } from '../../cli/stack/redis-server.ts';
import { redisCall } from '../../test/harness/redis-call.ts';
import { skipOrFail } from '../../test/harness/require-service.ts';
import {
  spawnRedisCluster,
  type ClusterNode,
  type SpawnedRedisCluster,
} from '../../test/harness/spawn-redis-cluster.ts';
import { Secret } from '../config.ts';
import { silentLogger } from '../log.ts';
import { openOnlineStore } from './index.ts';
import { onlineStoreContract } from './online-store.contract.ts';
import type { OnlineStore } from './port.ts';

const log = silentLogger();
const binary = skipOrFail((await redisInstalled()) ? '' : 'no redis-server is on the PATH');

describe.skipIf(binary.isMissing)(binary.title('a Redis Cluster of three'), () => {
  let cluster: SpawnedRedisCluster;
  beforeAll(async () => {
    cluster = await spawnRedisCluster();
  });
  afterAll(() => cluster.stop());

  function open(keyPrefix: string, deadlineMs = 5000): Promise<OnlineStore> {
    const [seed] = cluster.nodes;
    if (seed === undefined) throw new Error('the cluster has no nodes');
    const redis = { url: new Secret(seed.url), isCluster: true };
    return openOnlineStore({ redis, dataDir: '.', keyPrefix, deadlineMs, log });
  }

  onlineStoreContract('Redis Cluster', open);

  describe('in trouble', () => {
    const unavailable = { code: 'MR_ONLINE_STORE_UNAVAILABLE', retryable: true };
    const DEADLINE_MS = 700;
    let store: OnlineStore;
    /** A hundred keys on each node, by node. */
    let keys: ReadonlyMap<ClusterNode, readonly string[]>;

    beforeAll(async () => {
      const [any] = cluster.nodes;
      const byNode = new Map(cluster.nodes.map((node) => [node, [] as string[]]));
      for (let i = 0; i < 300; i++) {
        const slot = Number(await redisCall(any?.port ?? 0, 'CLUSTER', 'KEYSLOT', `trouble:v:k${i}`));
        const owner = cluster.nodes.find((node) => slot >= node.firstSlot && slot <= node.lastSlot);
        if (owner !== undefined) byNode.get(owner)?.push(`k${i}`);
      }
      keys = byNode;
    });
    beforeEach(async () => {
      await cluster.settled();
      store = await open('trouble:', DEADLINE_MS);
    });
    afterEach(async () => {
      for (const node of cluster.nodes) node.resume();
      await store.close();
    });

    const entry = (key: string, version: number) => ({ key, value: `v${version}`, version, ttlMs: 60_000 });
    const writeAll = (node: ClusterNode, version: number) =>
      store.setIfNewer((keys.get(node) ?? []).map((key) => entry(key, version)));

    it.each([
      ['is killed', (node: ClusterNode) => node.kill(), (node: ClusterNode) => node.restart()],
      ['hangs', async (node: ClusterNode) => node.pause(), async (node: ClusterNode) => node.resume()],
    ])(
      'goes on with the keys of the others while a node %s, also with notifications, and with all when it is back',
      async (_what, takeDown, bringBack) => {
        // The node of the URL: the one that a client which knows no others would be lost without.
        const [down, ...up] = cluster.nodes as [ClusterNode, ...ClusterNode[]];
        for (const node of cluster.nodes) await writeAll(node, 1);
        const received: string[] = [];
        await store.subscribe('news', (message) => received.push(message));
        await takeDown(down);

        const untilMs = performance.now() + 6000;
        for (let version = 2; performance.now() < untilMs; version++) {
          const startedMs = performance.now();
          const refused = await Promise.allSettled([
            writeAll(down, version),
            store.readMany(keys.get(down) ?? []),
          ]);
          for (const outcome of refused)
            expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable });
          expect(performance.now() - startedMs).toBeLessThan(DEADLINE_MS + 500);
          for (const node of up) expect(new Set(await writeAll(node, version))).toEqual(new Set([true]));
          await store.ping(DEADLINE_MS);
          await sleep(100);
        }
        const channel = await channelOn(up);
        await vi.waitFor(() => store.subscribe(channel, (message) => received.push(message)), {
          timeout: 10_000,
          interval: 200,
        });
        await vi.waitFor(
          async () => {
            await store.publish(channel, 'while it is down');
            expect(received).toContain('while it is down');
          },
          { timeout: 10_000, interval: 200 },
        );

        await bringBack(down);
        await vi.waitFor(
          async () => {
            for (const node of cluster.nodes) await writeAll(node, 1000);
            await store.publish('news', 'after');
            expect(received).toContain('after');
          },
          { timeout: 20_000, interval: 200 },
        );
        for (const node of cluster.nodes)
          expect(new Set(await store.readMany(keys.get(node) ?? []))).toEqual(new Set(['v1000']));
        for (const nodeKeys of keys.values()) await store.delete(nodeKeys);
      },
    );

    /** A channel whose slot one of the nodes has. */
    async function channelOn(nodes: readonly ClusterNode[]): Promise<string> {
      for (let i = 0; ; i++) {
        const slot = Number(await redisCall(nodes[0]?.port ?? 0, 'CLUSTER', 'KEYSLOT', `trouble:c${i}`));
        if (nodes.some((node) => slot >= node.firstSlot && slot <= node.lastSlot)) return `c${i}`;
      }
    }

    it('goes on without the node of its URL after every connection was lost', async () => {
      const [seed, ...others] = cluster.nodes as [ClusterNode, ...ClusterNode[]];
      for (const node of cluster.nodes) await writeAll(node, 1);
      await seed.kill();
      for (const node of others) await redisCall(node.port, 'CLIENT', 'KILL', 'TYPE', 'normal');
      await vi.waitFor(
        async () => {
          for (const node of others) await writeAll(node, 2);
        },
        { timeout: 10_000, interval: 100 },
      );
      await seed.restart();
      await vi.waitFor(() => writeAll(seed, 2), { timeout: 10_000, interval: 100 });
      for (const nodeKeys of keys.values()) await store.delete(nodeKeys);
    });

    it('neither loses nor doubles a write while slots move from node to node', async () => {
      const [from, to] = cluster.nodes as [ClusterNode, ClusterNode];
      const moving = (keys.get(from) ?? []).slice(0, 20);
      const applied = new Map<string, number>(moving.map((key) => [key, 0]));
      const end = new AbortController();
      const writing = (async () => {
        for (let version = 1; !end.signal.aborted; version++) {
          const answers = await store.setIfNewer(moving.map((key) => entry(key, version)));
          // Nobody else writes: each write must say that it was applied.
          expect(answers).toEqual(moving.map(() => true));
          for (const key of moving) applied.set(key, version);
          expect(await store.readMany(moving)).toEqual(moving.map(() => `v${version}`));
        }
      })();
      for (const [source, target] of [
        [from, to],
        [to, from],
      ] as const)
        for (const key of moving) {
          const slot = Number(await redisCall(from.port, 'CLUSTER', 'KEYSLOT', `trouble:v:${key}`));
          await cluster.moveSlot(slot, source, target);
        }
      end.abort();
      await writing;
      expect(Math.min(...applied.values())).toBeGreaterThan(10);
      await store.delete(moving);
    });
  });
});
