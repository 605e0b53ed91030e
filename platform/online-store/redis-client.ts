import { Cluster, Redis, type ClusterNode, type RedisOptions } from 'ioredis';
import { withDeadline } from '../deadline.ts';
import type { Logger } from '../log.ts';
import { whereOf, type RedisEndpoint } from './redis-endpoint.ts';
import { closedAtOnce, faultOf, type RedisFault } from './redis-fault.ts';
import { storeTimedOut } from './store-error.ts';

/** What is used of ioredis' Redis and Cluster alike. */
export interface RedisClient {
  evalsha(sha: string, keyCount: number, ...args: (string | number)[]): Promise<unknown>;
  eval(lua: string, keyCount: number, ...args: (string | number)[]): Promise<unknown>;
  get(key: string): Promise<string | null>;
  getrange(key: string, start: number, end: number): Promise<string>;
  mget(keys: string[]): Promise<(string | null)[]>;
  set(key: string, value: string, px: 'PX', ttlMs: number, nx: 'NX'): Promise<'OK' | null>;
  unlink(...keys: string[]): Promise<number>;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface RedisClientOptions {
  readonly endpoint: RedisEndpoint;
  readonly isCluster: boolean;
  readonly deadlineMs: number;
  readonly log: Logger;
}

const LONGEST_RECONNECT_DELAY_MS = 2000;

/** Exponential with equal jitter, so that the clients of a restarted server do not come back all at once. */
export function reconnectDelay(attempt: number): number {
  return Math.min(LONGEST_RECONNECT_DELAY_MS, 25 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
}

/** A connection on which nothing is sent again behind the caller's back. */
export function connectionOptions({ endpoint, deadlineMs }: RedisClientOptions, role: string) {
  return {
    ...(endpoint.username === undefined ? {} : { username: endpoint.username }),
    ...(endpoint.password === undefined ? {} : { password: endpoint.password }),
    ...(endpoint.tls === undefined ? {} : { tls: endpoint.tls }),
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: Math.max(1000, deadlineMs),
    // A server that hangs while the connection stands would keep it for ever.
    socketTimeout: Math.max(2000, 4 * deadlineMs),
    connectionName: `millrace-${role}`,
  } satisfies RedisOptions;
}

/** The commands' connection to one server, or those to the nodes of a cluster. Reconnects for ever. */
export class RedisConnection {
  readonly client: RedisClient;
  readonly isCluster: boolean;
  readonly where: string;
  readonly #redis: Redis | Cluster;
  readonly #log: Logger;
  readonly #isTls: boolean;
  /** Why there is no connection; undefined while there is one. */
  #fault: RedisFault | undefined;
  #onFault: (fault: RedisFault) => void = () => undefined;
  #isDown = false;
  #wasReady = false;

  constructor(options: RedisClientOptions) {
    this.#redis = options.isCluster ? createCluster(options) : createSingle(options);
    this.client = this.#redis;
    this.isCluster = options.isCluster;
    this.where = whereOf(options.endpoint);
    this.#log = options.log;
    this.#isTls = options.endpoint.tls !== undefined;
    this.#redis.on('ready', () => this.#up());
    this.#redis.on('error', (error: unknown) => this.#down(error));
    this.#redis.on('close', () => {
      if (!this.#isTls && !this.#wasReady) this.#fault ??= closedAtOnce();
      this.#wasReady = false;
    });
    this.#redis.on('node error', (error: unknown) => this.#nodeDown(error));
  }

  /** Whether commands can be sent: nothing waits for a connection. */
  get isReady(): boolean {
    return this.#redis.status === 'ready';
  }

  /** Why the last attempt to connect failed. */
  get fault(): RedisFault | undefined {
    return this.#fault;
  }

  /** Connections to single servers: itself, or the primaries that are known. */
  nodes(): readonly Redis[] {
    return this.#redis instanceof Cluster ? this.#redis.nodes('master') : [this.#redis];
  }

  /** Where the single server is, or the nodes that are known, replicas included. */
  addresses(): readonly Address[] {
    return addressesOf(this.#redis instanceof Cluster ? this.#redis.nodes() : [this.#redis]);
  }

  /**
   * Resolves when the connection is ready. What may heal by itself is tried again within the time.
   * @throws MillraceError MR_ONLINE_STORE_UNAVAILABLE, MR_ENGINE_AUTH_FAILED, MR_ENGINE_TLS_FAILED
   */
  async connect(timeoutMs: number): Promise<void> {
    const ready = new Promise<void>((resolve, reject) => {
      this.#redis.once('ready', resolve);
      this.#onFault = (fault) => {
        if (fault.isFinal) reject(fault.toError('connect', this.where));
      };
    });
    this.#redis.connect().catch(() => undefined); // 'error' tells more
    try {
      await withDeadline(
        ready,
        timeoutMs,
        () => this.#fault?.toError('connect', this.where) ?? storeTimedOut('connect', timeoutMs),
      );
    } finally {
      this.#onFault = () => undefined;
    }
  }

  /** Lets what is under way end within the time, then cuts the connection. */
  async close(timeoutMs: number): Promise<void> {
    // A server that is away must not keep the process open; there is nobody left to be told.
    if (this.isReady)
      await withDeadline(this.#redis.quit(), timeoutMs, () => storeTimedOut('close', timeoutMs)).catch(
        () => undefined,
      );
    this.#redis.disconnect();
  }

  #up(): void {
    if (this.#isDown) this.#log.info({ where: this.where }, 'Redis is reachable again');
    this.#isDown = false;
    this.#wasReady = true;
    this.#fault = undefined;
  }

  #down(error: unknown): void {
    // That all nodes failed says less than why one did.
    this.#fault = faultOf(error, { isTls: this.#isTls, isNew: !this.#wasReady }) ?? this.#fault;
    if (!this.#isDown)
      this.#log.warn(
        { where: this.where, fault: this.#fault?.text },
        'Redis is not reachable; check MR_REDIS_URL and that the server runs',
      );
    this.#isDown = true;
    if (this.#fault !== undefined) this.#onFault(this.#fault);
  }

  #nodeDown(error: unknown): void {
    const fault = faultOf(error, { isTls: this.#isTls, isNew: !this.#wasReady });
    if (fault === undefined) return;
    if (this.isReady) {
      this.#log.warn(
        { fault: fault.text },
        'a node of the Redis Cluster is not reachable; start it or remove it',
      );
      return;
    }
    this.#fault = fault;
    this.#onFault(fault);
  }
}

function createSingle(options: RedisClientOptions): Redis {
  const { endpoint } = options;
  return new Redis({
    ...connectionOptions(options, 'commands'),
    host: endpoint.host,
    port: endpoint.port,
    db: endpoint.db,
    enableOfflineQueue: false,
    retryStrategy: reconnectDelay,
    // After a failover the old primary answers READONLY: look the new one up.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
}

function createCluster(options: RedisClientOptions): Cluster {
  const { endpoint, deadlineMs } = options;
  const seed: ClusterNode = { host: endpoint.host, port: endpoint.port };
  const startNodes: ClusterNode[] = [seed];
  const cluster = new Cluster(startNodes, {
    lazyConnect: true,
    clusterRetryStrategy: reconnectDelay,
    // What was under way on a connection that broke may have been done: it fails and is not sent again.
    retryDelayOnFailover: 0,
    slotsRefreshTimeout: Math.max(1000, deadlineMs),
    // Names are looked up when a node is connected to, so that certificates are checked against names.
    dnsLookup: (host, found) => found(null, host),
    redisOptions: connectionOptions(options, 'commands'),
  });
  // ioredis keeps this list and starts from it when it has lost every node: the node of the URL may be gone by then.
  cluster.on('refresh', () => startNodes.splice(0, startNodes.length, seed, ...addressesOf(cluster.nodes())));
  return cluster;
}

function addressesOf(nodes: readonly Redis[]): Address[] {
  return nodes.map(({ options: { host = '127.0.0.1', port = 6379 } }) => ({ host, port }));
}
