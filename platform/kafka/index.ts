/** The Kafka port: `openKafka` gives the engine that the configuration names. */
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import type { Logger } from '../log.ts';
import { createRealKafka, type RealKafkaOptions } from './kafkajs/real-kafka.ts';
import type { Kafka } from './port.ts';

export interface OpenKafkaOptions {
  /** host:port of each broker; empty for the embedded log. */
  readonly brokers: readonly string[];
  /** Where the embedded log lives. */
  readonly dataDir: string;
  /** Name of this process in the brokers' logs and quotas. */
  readonly clientId: string;
  readonly log: Logger;
  readonly ssl?: boolean | ConnectionOptions;
  readonly sasl?: NonNullable<RealKafkaOptions['sasl']>;
}

/** Apache Kafka where brokers are named, else the embedded log. Real Kafka connects when it is first used. */
export async function openKafka(options: OpenKafkaOptions): Promise<Kafka> {
  const { brokers, clientId, log, ssl, sasl } = options;
  if (brokers.length > 0)
    return createRealKafka({
      brokers,
      clientId,
      log,
      ...(ssl === undefined ? {} : { ssl }),
      ...(sasl === undefined ? {} : { sasl }),
    });
  // Loaded only when used: real deployments do without the embedded engine.
  const { openEmbeddedLog } = await import('./embedded/index.ts');
  return openEmbeddedLog({ dir: join(options.dataDir, 'log'), log });
}
