/** The Kafka port: `openKafka` gives the engine that the configuration names. */
import { join } from 'node:path';
import type { KafkaConfig } from '../config.ts';
import type { Logger } from '../log.ts';
import { createRealKafka } from './kafkajs/real-kafka.ts';
import { readSecurity } from './kafkajs/security.ts';
import type { Kafka } from './port.ts';

export interface OpenKafkaOptions {
  /** Without brokers: the embedded log. */
  readonly config: KafkaConfig;
  /** Where the embedded log lives. */
  readonly dataDir: string;
  /** Name of this process in the brokers' logs and quotas. */
  readonly clientId: string;
  /** The embedded log refuses writes when its disk has less room. */
  readonly minFreeBytes?: number;
  readonly log: Logger;
}

/**
 * Apache Kafka where brokers are named, else the embedded log. Real Kafka connects when it is first used. Rejects with
 * MR_CONFIG_INVALID where a certificate or a key cannot be read.
 */
export async function openKafka({
  config,
  dataDir,
  clientId,
  minFreeBytes,
  log,
}: OpenKafkaOptions): Promise<Kafka> {
  const { brokers, sessionTimeoutMs } = config;
  if (brokers.length > 0) {
    const session = sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs };
    return createRealKafka({ brokers, clientId, log, ...session, ...(await readSecurity(config)) });
  }
  // Loaded only when used: real deployments do without the embedded engine.
  const { openEmbeddedLog } = await import('./embedded/index.ts');
  return openEmbeddedLog({
    dir: join(dataDir, 'log'),
    log,
    ...(minFreeBytes === undefined ? {} : { minFreeBytes }),
  });
}
