/** The collector: events over HTTP in, Kafka out. Answers when Kafka has acknowledged. */
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import type { Config, Secret } from '../../platform/config.ts';
import { createHttpServer, registerHealth, registerMetrics, type Check } from '../../platform/http/index.ts';
import type { Producer } from '../../platform/kafka/port.ts';
import type { Logger } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { createEventIntake } from './event-intake.ts';
import { registerEvents } from './events-route.ts';
import { createKeyRing } from './key-ring.ts';
import { openApiOptions } from './open-api-options.ts';

export interface CollectorOptions {
  readonly producer: Producer;
  /** Prefix of the topics, which must exist. */
  readonly namespace: string;
  readonly config: Config['ingest'];
  /** Keys that may send events. */
  readonly keys: readonly Secret[];
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Epoch ms. */
  readonly now: () => number;
  /** What `/health/ready` checks, such as the ping of Kafka; always ready where absent. */
  readonly ready?: () => Promise<readonly Check[]>;
  /** Origins whose pages may send events, such as https://shop.example.com; none where absent. */
  readonly allowedOrigins?: readonly string[];
  /** Events that may wait for Kafka at once. */
  readonly maxInFlightEvents?: number;
}

const DEFAULT_MAX_IN_FLIGHT = 50_000;
const REMEMBERED_IDS = 100_000;

/** The server, not yet listening. `close` waits for requests that are being answered; the producer is the caller's. */
export function createCollector(options: CollectorOptions): FastifyInstance {
  const { config, metrics, now } = options;
  const app = createHttpServer({ name: 'ingest', log: options.log, bodyLimit: config.maxBodyBytes });
  const intake = createEventIntake({
    producer: options.producer,
    namespace: options.namespace,
    now,
    maxInFlightEvents: options.maxInFlightEvents ?? DEFAULT_MAX_IN_FLIGHT,
    rememberedIds: REMEMBERED_IDS,
  });
  app.register(swagger, openApiOptions(config.maxEvents));
  app.register(async (scope) => {
    registerEvents(scope, {
      intake,
      keys: createKeyRing(options.keys),
      maxEvents: config.maxEvents,
      metrics,
      allowedOrigins: new Set(options.allowedOrigins),
    });
  });
  app.get('/openapi.json', async () => app.swagger());
  registerHealth(app, { live: () => true, ready: options.ready ?? (async () => []) });
  registerMetrics(app, metrics.registry);
  return app;
}
