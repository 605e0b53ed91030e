import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { withDeadline } from '../../deadline.ts';
import type { MillraceError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { connectionError, requireApi } from './connection-error.ts';
import type { Api } from './protocol/api.ts';
import { NEEDED_APIS } from './protocol/needed-apis.ts';
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

/** Opens a connection to a broker; {@link connectBroker} over sockets. */
export type ConnectBroker = (
  address: BrokerAddress,
  settings: ConnectionSettings,
  lanes: { readonly fetch: boolean },
) => Promise<BrokerConnection>;

/**
 * Connects, negotiates versions and authenticates. Rejects with MR_KAFKA_UNAVAILABLE, MR_ENGINE_TLS_FAILED,
 * MR_ENGINE_AUTH_FAILED or MR_ENGINE_TOO_OLD.
 */
export async function connectBroker(
  address: BrokerAddress,
  settings: ConnectionSettings,
  lanes: { readonly fetch: boolean },
): Promise<BrokerConnection> {
  const sockets = new Set<Socket>();
  const destroy = (): void => {
    for (const socket of sockets) socket.destroy(new Error('connection given up'));
  };
  const seen = { isSecured: false, peerSpeaksTls: false, wasUsed: false };
  const broker = createBroker(address, settings, { sockets, seen });
  const name = `${address.host}:${address.port}`;
  const fail = (error: unknown, doing: string): MillraceError => {
    destroy();
    const usesTls = usesSsl(settings);
    return connectionError(error, {
      broker: name,
      doing,
      usesTls,
      logsIn: settings.sasl !== undefined,
      ...seen,
    });
  };
  try {
    const budgetMs =
      2 * settings.connectTimeoutMs + (settings.sasl === undefined ? 0 : settings.requestTimeoutMs);
    await withDeadline(
      broker
        .connect()
        .then(() => (lanes.fetch ? broker.connectionPool.getConnection(FETCH_LANE) : undefined)),
      budgetMs,
      () => new Error(`no answer within ${budgetMs} ms`),
    );
    for (const api of NEEDED_APIS) requireApi(name, api, broker.versions?.[api.key]);
  } catch (error) {
    throw fail(error, 'connect');
  }
  const { pool } = broker.connectionPool;
  return {
    isAlive: () => pool.every((lane, index) => (index === FETCH_LANE && !lanes.fetch) || lane.isConnected()),
    async call(api, request, timeoutMs = settings.requestTimeoutMs) {
      try {
        const answer = await send(broker, api, { request, timeoutMs });
        seen.wasUsed = true;
        return answer;
      } catch (error) {
        throw fail(error, api.name);
      }
    },
    destroy,
  };
}

function usesSsl({ ssl }: ConnectionSettings): boolean {
  return ssl !== undefined && ssl !== false;
}

function createBroker(
  address: BrokerAddress,
  settings: ConnectionSettings,
  watch: {
    readonly sockets: Set<Socket>;
    readonly seen: { isSecured: boolean; peerSpeaksTls: boolean };
  },
): VendorBroker {
  const { sockets, seen } = watch;
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
      socket.once('secureConnect', () => (seen.isSecured = true));
      if (!usesSsl(settings))
        socket.once('data', (bytes: Buffer) => (seen.peerSpeaksTls ||= isTlsAlert(bytes)));
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
  if (api.flexible === true && api.plainAnswer !== true) body.skipTags(); // the response header's
  return api.decode(body);
}

/** RFC 8446, section 5.1: an alert record of any version. No answer of Kafka is so long that it begins like this. */
function isTlsAlert(bytes: Buffer): boolean {
  return bytes[0] === 0x15 && bytes[1] === 0x03;
}
