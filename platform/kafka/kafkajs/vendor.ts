/**
 * All we take from inside kafkajs: broker connections (TCP, TLS, SASL, version negotiation, framing). kafkajs 2.2.4 is
 * its last release, pinned exactly, and has no exports map, so its parts can be imported one by one. Its producer,
 * consumer and cluster are left alone on purpose: they lose acknowledged records when a leader moves (a response map
 * kept by broker across retries), reuse sequences after time-outs, wedge after a failed EndTxn and never await a
 * rebalance; the protocol above the connection is ours.
 */
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { SASLOptions } from 'kafkajs';

export type { SASLOptions } from 'kafkajs';

const load = createRequire(import.meta.url);

/** A request as kafkajs's connections take it; `parse` gives the answer. */
export interface VendorRequest {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
  };
  readonly response: {
    decode(payload: Buffer): Promise<{ readonly payload: Buffer }>;
    parse(decoded: { readonly payload: Buffer }): Promise<unknown>;
  };
  readonly requestTimeout: number;
  readonly logResponseError: boolean;
}

/** Two connections to one broker: 1 is for Fetch, which the broker may hold for long; 0 is for all else. */
export interface VendorConnectionPool {
  readonly pool: readonly { isConnected(): boolean }[];
  send(request: VendorRequest): Promise<unknown>;
  getConnection(index: number): Promise<unknown>;
  destroy(): Promise<void>;
}

export interface VendorBroker {
  readonly connectionPool: VendorConnectionPool;
  readonly versions: Readonly<
    Record<number, { readonly minVersion: number; readonly maxVersion: number }>
  > | null;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
}

export interface SocketRequest {
  readonly host: string;
  readonly port: number;
  readonly ssl: ConnectionOptions | null;
  onConnect(): void;
}

type VendorLogger = Readonly<Record<string, unknown>>;

export interface VendorLogEntry {
  readonly namespace: string;
  readonly log: Readonly<Record<string, unknown>> & { readonly message: string };
}

interface ConnectionPoolOptions {
  readonly host: string;
  readonly port: number;
  readonly logger: VendorLogger;
  readonly socketFactory: (request: SocketRequest) => Socket;
  readonly ssl: ConnectionOptions | null;
  readonly sasl: SASLOptions | null;
  readonly clientId: string;
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
  readonly enforceRequestTimeout: boolean;
}

interface Constructor<Options, Made> {
  new (options: Options): Made;
}

/** kafkajs/src/network/requestQueue, as far as the patch needs it. */
export interface VendorRequestQueue {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  scheduleCheckPendingRequests(): void;
}

export const RequestQueue = load('kafkajs/src/network/requestQueue') as {
  readonly prototype: VendorRequestQueue;
};

export const ConnectionPool = load('kafkajs/src/network/connectionPool') as Constructor<
  ConnectionPoolOptions,
  VendorConnectionPool
>;

export const Broker = load('kafkajs/src/broker') as Constructor<
  {
    readonly connectionPool: VendorConnectionPool;
    readonly logger: VendorLogger;
    readonly authenticationTimeout: number;
  },
  VendorBroker
>;

const socketFactory = load('kafkajs/src/network/socketFactory') as () => (request: SocketRequest) => Socket;

/** kafkajs's own way to open a plain or a TLS socket. */
export const openSocket = socketFactory();

const loggers = load('kafkajs/src/loggers') as {
  readonly LEVELS: { readonly WARN: number };
  createLogger(options: { level: number; logCreator: () => (entry: VendorLogEntry) => void }): VendorLogger;
};

/** A kafkajs logger that hands warnings and errors to `write`. */
export function vendorLogger(write: (entry: VendorLogEntry) => void): VendorLogger {
  return loggers.createLogger({ level: loggers.LEVELS.WARN, logCreator: () => write });
}
