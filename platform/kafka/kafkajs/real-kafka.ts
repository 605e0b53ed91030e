import { withDeadline } from '../../deadline.ts';
import type { EngineInfo } from '../../engine-info.ts';
import { MillraceError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { Scheduler } from '../../scheduler.ts';
import type { Kafka } from '../port.ts';
import { createAdmin } from './admin.ts';
import type { ConnectBroker } from './broker-connection.ts';
import { createClusterClient, type ClusterClient } from './cluster-client.ts';
import { createGroupConsumer } from './group-consumer.ts';
import { createProducer } from './producer.ts';
import { brokerError, NONE } from './protocol/error-codes.ts';
import { API_VERSIONS } from './protocol/versions-api.ts';
import { readToEnd } from './read-to-end.ts';
import { KAFKA, releaseOf, requireRelease } from './release.ts';
import type { KafkaSecurity } from './security.ts';
import { createTopicLimits } from './topic-limits.ts';
import { createTransactionalProducer } from './transactional-producer.ts';

export interface RealKafkaOptions extends KafkaSecurity {
  /** host:port of the brokers to ask first. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly log: Logger;
  /** A group member that is silent for so long is expelled; 15 s where absent. */
  readonly sessionTimeoutMs?: number;
  /** A transaction that is open for so long is aborted, and its producer fenced; 15 s where absent. */
  readonly transactionTimeoutMs?: number;
  /** Ways to the brokers other than sockets, and a clock other than the system's: for simulations. */
  readonly connect?: ConnectBroker;
  readonly scheduler?: Scheduler;
}

const CONNECT_TIMEOUT_MS = 2_000;
const REQUEST_TIMEOUT_MS = 12_000;

/**
 * Apache Kafka 3.9 to 4.x behind the port. Connects when first used. Every producer and consumer has connections of
 * its own: a broker answers the requests of one connection one after the other, so a held fetch or join would stop the
 * others.
 */
export function createRealKafka(options: RealKafkaOptions): Kafka {
  const { log } = options;
  const clients = new Set<ClusterClient>();
  const closers = new Set<() => Promise<void>>();
  let closed = false;

  const connect = (fetches: boolean): ClusterClient => {
    if (closed) throw new MillraceError('MR_KAFKA_UNAVAILABLE', 'Kafka was closed', { retryable: false });
    const client = createClusterClient({
      brokers: options.brokers,
      clientId: options.clientId,
      ssl: options.ssl,
      sasl: options.sasl,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      fetches,
      log,
      ...(options.connect === undefined ? {} : { connect: options.connect }),
      ...(options.scheduler === undefined ? {} : { scheduler: options.scheduler }),
    });
    clients.add(client);
    return client;
  };
  const forget = (client: ClusterClient): void => {
    client.close();
    clients.delete(client);
  };
  /** Keeps the thing until it is closed, by its owner or by `close`. */
  const keep = <T extends { close(): Promise<void> }>(thing: T, client: ClusterClient): T => {
    const close = async (): Promise<void> => {
      closers.delete(close);
      await thing.close();
      forget(client);
    };
    closers.add(close);
    return { ...thing, close };
  };

  const shared = connect(false);
  const admin = createAdmin(shared);
  const limits = createTopicLimits(admin, Date.now);
  const times = {
    sessionTimeoutMs: options.sessionTimeoutMs ?? 15_000,
    rebalanceTimeoutMs: 60_000,
    heartbeatIntervalMs: 1_000,
  };

  const ask = async (): Promise<EngineInfo> => {
    const answer = await shared.call('any', API_VERSIONS, null);
    if (answer.errorCode !== NONE) throw brokerError(answer.errorCode, 'name its version');
    const version = releaseOf(answer.metadataLevel);
    requireRelease(version);
    await shared.refresh([]); // a listener that wants a log-in tells its version to everybody
    return { engine: KAFKA, version, where: options.brokers.join(',') };
  };
  const info = async (timeoutMs: number): Promise<EngineInfo> =>
    withDeadline(ask(), timeoutMs, () => {
      const reason = shared.lastFailure;
      if (reason !== undefined) return reason;
      const where = options.brokers.join(', ');
      return new MillraceError(
        'MR_KAFKA_UNAVAILABLE',
        `no answer from Kafka at ${where} within ${timeoutMs} ms`,
      );
    });

  return {
    kind: 'real',
    admin,
    producer() {
      const client = connect(false);
      return keep(createProducer(client), client);
    },
    transactionalProducer(id) {
      const client = connect(false);
      const { transactionTimeoutMs } = options;
      return keep(createTransactionalProducer({ ...id, client, limits, transactionTimeoutMs, log }), client);
    },
    groupConsumer(consumer) {
      const client = connect(true);
      return keep(createGroupConsumer(consumer, { client, log, times }), client);
    },
    readToEnd: (source) => readToEnd(source, { connect: () => connect(true), forget, log }),
    async ping(timeoutMs) {
      await info(timeoutMs);
    },
    info,
    async close() {
      closed = true;
      await Promise.all([...closers].map((close) => close()));
      for (const client of [...clients]) forget(client);
    },
  };
}
