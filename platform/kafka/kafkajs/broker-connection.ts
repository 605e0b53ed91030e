import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError, errorText } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { Api } from './protocol/api.ts';
import { ByteReader, ByteWriter } from './protocol/wire.ts';
import {
  Broker,
  ConnectionPool,
  openSocket,
  vendorLogger,
  type SASLOptions,
  type VendorBroker,
} from './vendor.ts';

export interface ConnectionSettings {
  readonly clientId: string;
  readonly ssl?: boolean | ConnectionOptions | undefined;
  readonly sasl?: SASLOptions | undefined;
  readonly connectTimeoutMs: number;
  /** A request without an answer for so long counts as a lost connection. */
  readonly requestTimeoutMs: number;
  readonly log: Logger;
}

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** One broker: a connection for requests and, where asked for, one for long-polling fetches. */
export interface BrokerConnection {
  isAlive(): boolean;
  /**
   * Sends one request. Rejects with MR_KAFKA_UNAVAILABLE where no answer came: the broker may have carried it out.
   * Error codes inside the answer are the caller's.
   */
  call<Q, S>(api: Api<Q, S>, request: Q, timeoutMs?: number): Promise<S>;
  /** Closes the sockets now; requests in flight reject. */
  destroy(): void;
}

const FETCH_LANE = 1;

/** Connects, negotiates versions and authenticates; rejects with MR_KAFKA_UNAVAILABLE or MR_KAFKA_FAILED (log-in). */
export async function connectBroker(
  address: BrokerAddress,
  settings: ConnectionSettings,
  lanes: { readonly fetch: boolean },
): Promise<BrokerConnection> {
  const sockets = new Set<Socket>();
  const destroy = (): void => {
    for (const socket of sockets) socket.destroy(new Error('connection given up'));
  };
  const broker = createBroker(address, settings, sockets);
  try {
    const budgetMs =
      2 * settings.connectTimeoutMs + (settings.sasl === undefined ? 0 : settings.requestTimeoutMs);
    await withDeadline(
      broker
        .connect()
        .then(() => (lanes.fetch ? broker.connectionPool.getConnection(FETCH_LANE) : undefined)),
      budgetMs,
    );
  } catch (error) {
    destroy();
    throw wrapConnectionError(error, address, 'connect');
  }
  const { pool } = broker.connectionPool;
  return {
    isAlive: () => pool.every((lane, index) => (index === FETCH_LANE && !lanes.fetch) || lane.isConnected()),
    async call(api, request, timeoutMs = settings.requestTimeoutMs) {
      requireVersion(broker, api, address);
      try {
        return await send(broker, api, { request, timeoutMs });
      } catch (error) {
        destroy();
        throw wrapConnectionError(error, address, api.name);
      }
    },
    destroy,
  };
}

function createBroker(
  address: BrokerAddress,
  settings: ConnectionSettings,
  sockets: Set<Socket>,
): VendorBroker {
  const logger = vendorLogger(({ namespace, log }) => {
    settings.log.debug({ namespace, broker: log['broker'], reason: log.message }, 'kafkajs');
  });
  const connectionPool = new ConnectionPool({
    ...address,
    logger,
    socketFactory: (request) => {
      const socket = openSocket(request);
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      return socket;
    },
    ssl: settings.ssl === true ? {} : settings.ssl === false ? null : (settings.ssl ?? null),
    sasl: settings.sasl ?? null,
    clientId: settings.clientId,
    connectionTimeout: settings.connectTimeoutMs,
    requestTimeout: settings.connectTimeoutMs, // each request brings its own: kafkajs takes the larger of the two
    enforceRequestTimeout: true,
  });
  return new Broker({ connectionPool, logger, authenticationTimeout: settings.requestTimeoutMs });
}

async function send<Q, S>(
  broker: VendorBroker,
  api: Api<Q, S>,
  call: { readonly request: Q; readonly timeoutMs: number },
): Promise<S> {
  const out = new ByteWriter();
  if (api.flexible === true) out.noTags(); // the request header's
  api.encode(call.request, out);
  const buffer = out.finish();
  const answer = (await broker.connectionPool.send({
    request: {
      apiKey: api.key,
      apiVersion: api.version,
      apiName: api.name,
      encode: async () => ({ buf: buffer, buffer }),
    },
    response: {
      decode: async (payload) => ({ payload }),
      parse: async (decoded) => decoded.payload,
    },
    requestTimeout: call.timeoutMs,
    logResponseError: false,
  })) as Buffer;
  const body = new ByteReader(answer);
  if (api.flexible === true) body.skipTags(); // the response header's
  return api.decode(body);
}

function requireVersion<Q, S>(broker: VendorBroker, api: Api<Q, S>, address: BrokerAddress): void {
  const range = broker.versions?.[api.key];
  if (range !== undefined && range.minVersion <= api.version && api.version <= range.maxVersion) return;
  throw new MillraceError('MR_KAFKA_FAILED', 'this broker does not speak a request that Millrace needs', {
    context: { api: api.name, version: api.version, broker: `${address.host}:${address.port}` },
  });
}

/** Refused log-ins and certificates are final; everything else that a connection throws is a lost connection. */
function wrapConnectionError(error: unknown, address: BrokerAddress, doing: string): MillraceError {
  if (error instanceof MillraceError) return error;
  const context = { broker: `${address.host}:${address.port}`, doing };
  const name = error instanceof Error ? error.name : '';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const final = name === 'KafkaJSSASLAuthenticationError' || name === 'KafkaJSServerDoesNotSupportApiKey';
  if (final || /CERT|UNABLE_TO_VERIFY/.test(code))
    return new MillraceError('MR_KAFKA_FAILED', errorText(error), { cause: error, context });
  if (name === 'TypeError' || name === 'RangeError')
    return new MillraceError('MR_INTERNAL', `a Kafka request failed: ${errorText(error)}`, {
      cause: error,
      context,
    });
  return new MillraceError('MR_KAFKA_UNAVAILABLE', `no answer from a Kafka broker: ${errorText(error)}`, {
    cause: error,
    context,
  });
}

/** Rejects with an Error after `timeoutMs`; the work goes on unseen. */
export async function withDeadline<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const timer = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`no answer within ${timeoutMs} ms`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
    late.catch(() => undefined); // the abort rejects it, which is its purpose
    work.catch(() => undefined); // its failure after the deadline has no one to tell
  }
}
