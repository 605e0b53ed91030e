import { MillraceError } from '../../errors.ts';
import { systemScheduler, type Scheduler } from '../../scheduler.ts';
import type { TopicPartition } from '../port.ts';
import { applyPatches } from './patches.ts';
import {
  connectBroker,
  type BrokerAddress,
  type BrokerConnection,
  type ConnectBroker,
  type ConnectionSettings,
} from './broker-connection.ts';
import type { Api } from './protocol/api.ts';
import { brokerError, NONE } from './protocol/error-codes.ts';
import {
  FIND_COORDINATOR,
  METADATA,
  type CoordinatorKind,
  type MetadataResponse,
} from './protocol/metadata-api.ts';

export interface ClusterSettings extends ConnectionSettings {
  /** Brokers to ask first, as host:port. */
  readonly brokers: readonly string[];
  /** Opens a second connection to each broker, so that long fetches hold up nothing else. */
  readonly fetches: boolean;
  /** {@link connectBroker} where absent. */
  readonly connect?: ConnectBroker;
  /** Waits and deadlines of whoever uses the client; the system's where absent. */
  readonly scheduler?: Scheduler;
}

/**
 * Where things are in the cluster, and requests to there. It keeps no retry loops: every method tries once and rejects
 * with MR_KAFKA_UNAVAILABLE, and the callers, who know their deadlines, try again. A connection that fails is dropped
 * whole; the next request opens a new one. What does not pass by itself (certificates, log-ins, a broker that is too
 * old) rejects with its MR_ENGINE_* code at once.
 */
export interface ClusterClient {
  /** Of everything that waits for the cluster. */
  readonly scheduler: Scheduler;
  /** Sends to a broker by node id; `any` is one that answers. */
  call<Q, S>(node: number | 'any', api: Api<Q, S>, request: Q, timeoutMs?: number): Promise<S>;
  /** Fetches metadata of the topics and remembers leaders and partition counts. */
  refresh(topics: readonly string[] | 'all'): Promise<MetadataResponse>;
  /** Why the last attempt to connect to any broker failed; undefined after one that did not. */
  readonly lastFailure: MillraceError | undefined;
  /** As last heard; undefined where unknown, so that a refresh is due. */
  leaderOf(place: TopicPartition): number | undefined;
  /** As last heard. */
  partitionCount(topic: string): number | undefined;
  /** Id of a topic as last heard: another one after it was deleted and made anew. */
  topicId(topic: string): string | undefined;
  /** Node id of a coordinator, looked up once until `forgetCoordinator`. */
  coordinatorOf(kind: CoordinatorKind, key: string): Promise<number>;
  forgetCoordinator(kind: CoordinatorKind, key: string): void;
  /** Closes all sockets; requests in flight reject. Idempotent. */
  close(): void;
}

/** Makes a client; it connects when it is first used. */
export function createClusterClient(settings: ClusterSettings): ClusterClient {
  applyPatches();
  const pool = createPool(settings);
  const addresses = new Map<number, BrokerAddress>();
  const leaders = new Map<string, readonly (number | undefined)[]>();
  const topicIds = new Map<string, string>();
  const coordinators = new Map<string, number>();
  let lastFailure: MillraceError | undefined;

  const callAny = async <Q, S>(api: Api<Q, S>, request: Q, timeoutMs?: number): Promise<S> => {
    const candidates = [...pool.connected(), ...addresses.values(), ...settings.brokers.map(parseAddress)];
    let failure: unknown = new MillraceError('MR_KAFKA_UNAVAILABLE', 'no Kafka broker is configured');
    for (const address of distinct(candidates)) {
      try {
        const answer = await (await pool.connection(address)).call(api, request, timeoutMs);
        lastFailure = undefined;
        return answer;
      } catch (error) {
        if (error instanceof MillraceError) lastFailure = error;
        // The next broker may answer; log-in failures and bugs would be the same there.
        if (!(error instanceof MillraceError) || !error.retryable) throw error;
        failure = error;
      }
    }
    throw failure;
  };

  return {
    scheduler: settings.scheduler ?? systemScheduler,
    get lastFailure() {
      return lastFailure;
    },
    async call(node, api, request, timeoutMs) {
      if (node === 'any') return callAny(api, request, timeoutMs);
      const address = addresses.get(node);
      if (address === undefined)
        throw new MillraceError('MR_KAFKA_UNAVAILABLE', 'the Kafka broker is not known', {
          context: { node },
        });
      return (await pool.connection(address)).call(api, request, timeoutMs);
    },
    async refresh(topics) {
      const metadata = await callAny(METADATA, { topics });
      for (const { nodeId, host, port } of metadata.brokers) addresses.set(nodeId, { host, port });
      for (const topic of metadata.topics) {
        if (topic.errorCode !== NONE) {
          leaders.delete(topic.topic);
          continue;
        }
        leaders.set(topic.topic, leadersOf(topic.partitions));
        topicIds.set(topic.topic, topic.topicId);
      }
      return metadata;
    },
    leaderOf: ({ topic, partition }) => leaders.get(topic)?.[partition],
    partitionCount: (topic) => leaders.get(topic)?.length,
    topicId: (topic) => topicIds.get(topic),
    async coordinatorOf(kind, key) {
      const known = coordinators.get(`${kind}/${key}`);
      if (known !== undefined) return known;
      const found = await callAny(FIND_COORDINATOR, { kind, key });
      if (found.errorCode !== NONE)
        throw brokerError(found.errorCode, 'name the coordinator', {
          code: 'MR_KAFKA_UNAVAILABLE',
          context: { key },
        });
      addresses.set(found.nodeId, { host: found.host, port: found.port });
      coordinators.set(`${kind}/${key}`, found.nodeId);
      return found.nodeId;
    },
    forgetCoordinator: (kind, key) => void coordinators.delete(`${kind}/${key}`),
    close: () => pool.close(),
  };
}

function leadersOf(
  partitions: MetadataResponse['topics'][number]['partitions'],
): readonly (number | undefined)[] {
  const leaders = new Array<number | undefined>(partitions.length).fill(undefined);
  for (const { partition, leader } of partitions) if (leader >= 0) leaders[partition] = leader;
  return leaders;
}

interface ConnectionPool {
  connection(address: BrokerAddress): Promise<BrokerConnection>;
  connected(): readonly BrokerAddress[];
  close(): void;
}

/** One live connection for each address; a dead one is replaced when it is next asked for. */
function createPool(settings: ClusterSettings): ConnectionPool {
  const open = new Map<
    string,
    { address: BrokerAddress; connecting: Promise<BrokerConnection>; live?: BrokerConnection }
  >();
  const { connect = connectBroker } = settings;
  let closed = false;
  return {
    async connection(address) {
      if (closed)
        throw new MillraceError('MR_KAFKA_UNAVAILABLE', 'the Kafka client is closed', { retryable: false });
      const key = `${address.host}:${address.port}`;
      const known = open.get(key);
      if (known !== undefined && (known.live === undefined || known.live.isAlive())) return known.connecting;
      known?.live?.destroy();
      const connecting = connect(address, settings, { fetch: settings.fetches });
      const entry: {
        address: BrokerAddress;
        connecting: Promise<BrokerConnection>;
        live?: BrokerConnection;
      } = {
        address,
        connecting,
      };
      open.set(key, entry);
      try {
        entry.live = await connecting;
      } catch (error) {
        if (open.get(key) === entry) open.delete(key);
        throw error;
      }
      // `closed` may have changed while we waited.
      if (isClosed()) entry.live.destroy();
      return entry.live;
    },
    connected: () =>
      [...open.values()].filter((entry) => entry.live?.isAlive() === true).map((entry) => entry.address),
    close() {
      closed = true;
      for (const entry of open.values()) entry.live?.destroy();
      open.clear();
    },
  };
  function isClosed(): boolean {
    return closed;
  }
}

function parseAddress(broker: string): BrokerAddress {
  const colon = broker.lastIndexOf(':');
  return { host: broker.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(broker.slice(colon + 1)) };
}

function distinct(addresses: readonly BrokerAddress[]): readonly BrokerAddress[] {
  return [...new Map(addresses.map((address) => [`${address.host}:${address.port}`, address])).values()];
}
