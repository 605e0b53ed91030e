/** A serving stage on the real online store in process, for the embedded tests of this folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouse } from '../platform/clickhouse/port.ts';
import { Secret } from '../platform/config.ts';
import type { Producer, ProduceRecord, TopicPartitionOffset } from '../platform/kafka/port.ts';
import { silentLogger } from '../platform/log.ts';
import { createMetrics, type Metrics } from '../platform/metrics.ts';
import { openOnlineStore } from '../platform/online-store/index.ts';
import type { OnlineStore } from '../platform/online-store/port.ts';
import {
  historyKey,
  itemKey,
  neighboursKey,
  recentAlertsKey,
  trendingKey,
  type AlertNotice,
  type ItemCard,
  type VisitorId,
} from '../schemas/keys.ts';
import { createServing, type Serving } from './server.ts';

/** Keeps what was sent, or refuses it: the one fault that no real producer gives on demand. */
export class RecordingProducer implements Producer {
  readonly records: ProduceRecord[] = [];
  failure: Error | undefined;

  async send(records: readonly ProduceRecord[]): Promise<readonly TopicPartitionOffset[]> {
    if (this.failure !== undefined) throw this.failure;
    this.records.push(...records);
    return records.map(({ topic }, offset) => ({ topic, partition: 0, offset }));
  }

  close = () => Promise.resolve();
}

export interface Harness {
  readonly serving: Serving;
  readonly store: OnlineStore;
  readonly producer: RecordingProducer;
  readonly metrics: Metrics;
  /** Milliseconds that the clock of the stage stands at. */
  readonly clock: { nowMs: number };
  /** The JSON body of a GET; `T` says what the caller expects it to be. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
  get<T>(url: string, headers?: Readonly<Record<string, string>>): Promise<{ status: number; body: T }>;
  history(visitor: VisitorId, viewed: readonly string[], bought?: readonly string[]): Promise<void>;
  neighbours(itemId: string, items: readonly string[]): Promise<void>;
  trending(items: readonly string[]): Promise<void>;
  card(itemId: string, card: ItemCard): Promise<void>;
  alerts(partition: number, alerts: readonly AlertNotice[]): Promise<void>;
  close(): Promise<void>;
}

export const START_MS = 1_780_000_000_000;

const scored = (items: readonly string[]) => items.map((itemId, index) => ({ itemId, score: 100 - index }));
const seen = (items: readonly string[]) =>
  items.map((itemId, index) => ({ itemId, atMs: START_MS - index * 1000 }));

/** A started stage on a store of its own; `close` ends and removes everything. */
export async function startServing(
  options: { keys?: readonly string[]; clickhouse?: ClickHouse } = {},
): Promise<Harness> {
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-serving-'));
  const log = silentLogger();
  const store = await openOnlineStore({ redis: { url: undefined }, dataDir, keyPrefix: 'test:', log });
  const producer = new RecordingProducer();
  const metrics = createMetrics();
  const clock = { nowMs: START_MS };
  const serving = await createServing({
    store,
    producer,
    clickhouse: options.clickhouse,
    namespace: '',
    config: {
      httpHost: '127.0.0.1',
      serving: { port: 0, keys: (options.keys ?? []).map((key) => new Secret(key)) },
    },
    metrics,
    log,
    now: () => clock.nowMs,
    random: Math.random,
  });
  let version = 0;
  const put = async (key: string, value: object) => {
    await store.setIfNewer([{ key, value: JSON.stringify(value), version: ++version, ttlMs: 3_600_000 }]);
  };
  return {
    serving,
    store,
    producer,
    metrics,
    clock,
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
    async get<T>(url: string, headers = {}) {
      const response = await serving.app.inject({ url, headers });
      return { status: response.statusCode, body: response.json<T>() };
    },
    history: (visitor, viewed, bought = []) =>
      put(historyKey(visitor), { viewed: seen(viewed), bought: seen(bought) }),
    neighbours: (itemId, items) => put(neighboursKey(itemId), { items: scored(items) }),
    trending: (items) => put(trendingKey(), { asOfMs: START_MS, items: scored(items) }),
    card: (itemId, card) => put(itemKey(itemId), card),
    alerts: (partition, alerts) => put(recentAlertsKey(partition), { alerts }),
    async close() {
      await serving.close();
      await store.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** An alert raised `age` milliseconds before the start. */
export function alertNotice(alertId: string, age = 0): AlertNotice {
  return {
    alertId,
    kind: 'card-velocity-burst',
    severity: 'critical',
    entityType: 'card',
    entityId: 'card-1',
    summary: 'Many payments with one card.',
    eventTimeMs: START_MS - age,
    raisedAtMs: START_MS - age,
  };
}

/** The value of a counter over all labels, or with these labels. */
export async function counted(
  metrics: Metrics,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const metric = await metrics.registry.getSingleMetric(name)?.get();
  return (metric?.values ?? [])
    .filter((value) => Object.entries(labels).every(([label, want]) => value.labels[label] === want))
    .reduce((sum, value) => sum + value.value, 0);
}
