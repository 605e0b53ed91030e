import type { FastifyInstance } from 'fastify';
import type { ClickHouse } from '../platform/clickhouse/port.ts';
import type { Config } from '../platform/config.ts';
import { errorText } from '../platform/errors.ts';
import {
  createHttpServer,
  listen,
  registerHealth,
  registerMetrics,
  type Check,
} from '../platform/http/index.ts';
import type { Producer } from '../platform/kafka/port.ts';
import type { Logger } from '../platform/log.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { OnlineStore } from '../platform/online-store/port.ts';
import type { RouteAccess } from './access.ts';
import { createAlertHub } from './alerts/alert-hub.ts';
import { createFallbackMemory } from './fallback-memory.ts';
import { createOnlineReader } from './online-reader.ts';
import { createPopularItems } from './popular-items.ts';
import { registerRoutes } from './routes/register.ts';
import { createServedLog } from './served-log.ts';
import type { ServingParts } from './serving-parts.ts';

export interface ServingOptions {
  readonly store: OnlineStore;
  readonly producer: Producer;
  /** Live numbers, visitors of the console and the last fallback come from here; all of them do without. */
  readonly clickhouse?: ClickHouse | undefined;
  /** Stands before the topic shop.served. */
  readonly namespace: string;
  readonly config: Pick<Config, 'httpHost' | 'serving'>;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export interface Serving {
  readonly app: FastifyInstance;
  readonly parts: ServingParts;
  readonly routes: readonly RouteAccess[];
  /** Binds to the configured address and answers the URL. @throws MillraceError MR_PORT_TAKEN */
  listen(): Promise<string>;
  /** Ends the alert streams, answers what is under way, sends what is queued for shop.served. Idempotent. */
  close(): Promise<void>;
}

/** How long a readiness check waits for the online store. */
const PING_TIMEOUT_MS = 500;
/** How long answers that are under way may take once the stage closes. */
const CLOSE_GRACE_MS = 1500;

/** The serving API and the console. Store, producer and ClickHouse stay the caller's to close. */
export async function createServing(options: ServingOptions): Promise<Serving> {
  const { store, config, metrics, log } = options;
  const parts = createParts(options);
  const app = createHttpServer({ name: 'serving', log });
  const routes = await registerRoutes(app, parts, config.serving.keys);
  registerHealth(app, { live: () => true, ready: async () => [await storeCheck(store, parts)] });
  registerMetrics(app, metrics.registry);
  // Before fastify waits for open connections: alert streams would never end by themselves.
  app.addHook('preClose', () => parts.hub.close());
  await app.ready();
  parts.hub.start();
  return {
    app,
    parts,
    routes,
    listen: () => listen(app, { host: config.httpHost, port: config.serving.port }),
    async close() {
      await closeServer(app);
      await parts.servedLog.close();
    },
  };
}

/** Browsers open spare connections that carry no request; node would wait for them until they time out. */
async function closeServer(app: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => {
    app.server.closeAllConnections();
  }, CLOSE_GRACE_MS);
  await app.close();
  clearTimeout(timer);
}

function createParts({ store, producer, clickhouse, namespace, metrics, log, now, random }: ServingOptions) {
  const answers = metrics.counter('millrace_recommendations_total');
  const seconds = metrics.histogram('millrace_recommendation_seconds');
  const dropped = metrics.counter('millrace_served_log_dropped_total');
  return {
    reader: createOnlineReader(store, log),
    memory: createFallbackMemory(),
    popular: createPopularItems(clickhouse, { now, log }),
    servedLog: createServedLog({ producer, namespace, log, onDropped: (count) => dropped.inc(count) }),
    hub: createAlertHub(store, log),
    clickhouse,
    now,
    random,
    log,
    observeAnswer(source: string, elapsedSeconds: number) {
      answers.inc({ source });
      seconds.observe(elapsedSeconds);
    },
  } satisfies ServingParts;
}

/**
 * Ready without the store too, as long as memory has items: all instances share the store, and taking every one of them
 * out of service would turn degraded answers into none.
 */
async function storeCheck(store: OnlineStore, parts: ServingParts): Promise<Check> {
  try {
    await store.ping(PING_TIMEOUT_MS);
    return { name: 'online-store', ok: true };
  } catch (error) {
    const ok = parts.memory.items().length > 0;
    const detail = ok ? 'down; answers come from memory' : errorText(error);
    return { name: 'online-store', ok, detail };
  }
}
