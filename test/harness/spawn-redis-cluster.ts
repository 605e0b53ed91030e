import { freePort } from './free-port.ts';
import { redisCall } from './redis-call.ts';
import { spawnRedis, type SpawnedRedis } from './spawn-redis.ts';
import { waitUntil } from './wait-until.ts';

const SLOTS = 16_384;
const NODES = 3;

export interface ClusterNode extends SpawnedRedis {
  readonly id: string;
  readonly firstSlot: number;
  readonly lastSlot: number;
}

/** A Redis Cluster of this test alone: three primaries without replicas; slots without an owner take nothing else down. */
export interface SpawnedRedisCluster {
  readonly nodes: readonly ClusterNode[];
  /** Waits until every node sees all the others and all slots. */
  settled(): Promise<void>;
  /** Moves a slot with its keys from one node to another while clients go on. */
  moveSlot(slot: number, from: ClusterNode, to: ClusterNode): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the nodes and joins them by commands. */
export async function spawnRedisCluster(): Promise<SpawnedRedisCluster> {
  const nodes: ClusterNode[] = [];
  for (let i = 0; i < NODES; i++) nodes.push(await startNode(i));
  const ports = nodes.map(({ port }) => port);
  const [first = 0] = ports;
  const settled = async () => {
    await waitUntil(async () => (await Promise.all(ports.map(isSettled))).every(Boolean), {
      what: 'a settled cluster',
      timeoutMs: 30_000,
    });
  };
  for (const node of nodes.slice(1))
    await redisCall(first, 'CLUSTER', 'MEET', '127.0.0.1', node.port, await busPort(node.port));
  await settled();
  return {
    nodes,
    settled,
    moveSlot: (slot, from, to) => moveSlot(slot, { from, to, ports }),
    stop: async () => {
      for (const node of nodes) await node.stop();
    },
  };
}

async function startNode(index: number): Promise<ClusterNode> {
  const extra = ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())];
  extra.push('--cluster-node-timeout', '1500', '--cluster-require-full-coverage', 'no');
  const redis = await spawnRedis({ extra });
  const [firstSlot, lastSlot] = [index, index + 1].map((n) => Math.floor((SLOTS * n) / NODES)) as [
    number,
    number,
  ];
  await redisCall(redis.port, 'CLUSTER', 'ADDSLOTSRANGE', firstSlot, lastSlot - 1);
  const id = String(await redisCall(redis.port, 'CLUSTER', 'MYID'));
  return { ...redis, id, firstSlot, lastSlot: lastSlot - 1 };
}

async function busPort(port: number): Promise<number> {
  const [, value] = (await redisCall(port, 'CONFIG', 'GET', 'cluster-port')) as [string, string];
  return Number(value);
}

async function isSettled(port: number): Promise<boolean> {
  const info = String(await redisCall(port, 'CLUSTER', 'INFO'));
  const nodes = String(await redisCall(port, 'CLUSTER', 'NODES'));
  return (
    info.includes('cluster_state:ok') &&
    info.includes(`cluster_slots_ok:${SLOTS}`) &&
    info.includes(`cluster_known_nodes:${NODES}`) &&
    !/fail|handshake/.test(nodes)
  );
}

async function moveSlot(
  slot: number,
  {
    from,
    to,
    ports,
  }: { readonly from: ClusterNode; readonly to: ClusterNode; readonly ports: readonly number[] },
): Promise<void> {
  await redisCall(to.port, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
  await redisCall(from.port, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
  for (;;) {
    const keys = (await redisCall(from.port, 'CLUSTER', 'GETKEYSINSLOT', slot, 10)) as readonly string[];
    if (keys.length === 0) break;
    await redisCall(from.port, 'MIGRATE', '127.0.0.1', to.port, '', 0, 5000, 'KEYS', ...keys);
  }
  const others = ports.filter((port) => port !== to.port && port !== from.port);
  for (const port of [to.port, from.port, ...others])
    await redisCall(port, 'CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
}
