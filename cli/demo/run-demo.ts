import { setTimeout as sleep } from 'node:timers/promises';
import { PUBLIC_TOPICS, type PublicEvent } from '../../ingest/public-event.ts';
import { createHttpSender } from '../../ingest/simulator/http-sender.ts';
import { runSimulator } from '../../ingest/simulator/run-simulator.ts';
import { createShop } from '../../ingest/simulator/shop.ts';
import type { ClickHouse } from '../../platform/clickhouse/port.ts';
import type { Processors } from '../../processors/start.ts';
import { openBackends } from '../backends.ts';
import type { Session } from '../session.ts';
import { startIngest, startProcessing, startServing, startTablesServer } from '../stages.ts';
import { Acknowledged } from './acknowledged.ts';
import { checkAlerts } from './alert-check.ts';
import { auditFacts } from './audit.ts';
import { LiveStatus } from './live-status.ts';
import { Storefront } from './storefront.ts';

/** Longest wait, after the traffic, for the last facts and alerts. */
const SETTLE_MS = 45_000;
const LOOK_MS = 500;
const WINDOW_TABLES = ['shop_minute', 'item_minute', 'sales_minute'];

export interface DemoOptions {
  readonly ratePerSecond: number;
  readonly seed: number;
  /** Ends by itself after this time; until the signal where absent. */
  readonly seconds?: number;
  readonly signal: AbortSignal;
  readonly note: (line: string) => void;
}

/** The last line of the demo. */
export interface DemoResult {
  readonly eventsIn: number;
  readonly eventsProcessed: number;
  readonly factsWritten: number;
  readonly windowsWritten: number;
  readonly recommendationsServed: number;
  readonly alerts: number;
  readonly alertsExpected: number;
  readonly alertsMissed: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly p99FreshnessMs: number;
}

/** Runs the whole pipeline with traffic, then compares what was acknowledged and planted with what came out. */
export async function runDemo(session: Session, options: DemoOptions): Promise<DemoResult> {
  const { config, log } = session;
  const sinceMs = Date.now();
  options.note(`data in ${config.dataDir}; starting the engines`);
  const backends = await openBackends(session);
  const { processors } = await startProcessing(backends, session);
  const ingest = await startIngest(backends.kafka, session);
  const serving = await startServing(backends, session);
  if (config.clickhouse.url === undefined)
    options.note(`its tables for Grafana and curl: ${(await startTablesServer(session)).url} (user default)`);
  options.note(`open ${serving.url} for live numbers, trending items, recommendations and alerts`);

  const acknowledged = new Acknowledged();
  const send = createHttpSender(ingest);
  const storefront = new Storefront({
    url: serving.url,
    send,
    random: Math.random,
    log,
    onAcknowledged: (event) => acknowledged.add(event),
  });
  const status = new LiveStatus({
    processors,
    acknowledged,
    ...(options.seconds === undefined ? {} : { seconds: options.seconds }),
  });
  const truthPath = `${config.dataDir}/ground-truth.jsonl`;
  const traffic = runSimulator({
    shop: createShop({
      seed: options.seed,
      // Another start of the same shop: its items and visitors go on, ids and cards are new.
      epoch: Math.floor(sinceMs / 1000),
      startMs: sinceMs,
      parcelSilenceMs: config.processing.parcelSilenceMs,
      cardBurstCount: config.processing.cardBurstCount,
      cardBurstWindowMs: config.processing.cardBurstWindowMs,
    }),
    ratePerSecond: options.ratePerSecond,
    send,
    ...(options.seconds === undefined ? {} : { seconds: options.seconds }),
    signal: options.signal,
    groundTruthPath: truthPath,
    onAcknowledged: (event: PublicEvent) => {
      acknowledged.add(event);
      if (event.type === 'ProductViewed') storefront.viewed(event);
    },
  });
  await Promise.race([traffic, processors.done]);
  await storefront.close();
  status.finish();
  options.note('traffic has ended; waiting for the last facts and alerts');
  return settle({ clickhouse: backends.clickhouse, processors, acknowledged, truthPath, sinceMs });
}

interface SettleOptions {
  readonly clickhouse: ClickHouse;
  readonly processors: Processors;
  readonly acknowledged: Acknowledged;
  readonly truthPath: string;
  readonly sinceMs: number;
}

/** Waits until everything acknowledged is a fact and every planted fault was due, or the time is up; then counts. */
async function settle(options: SettleOptions): Promise<DemoResult> {
  const { clickhouse, acknowledged, sinceMs, truthPath } = options;
  const deadlineMs = Date.now() + SETTLE_MS;
  for (;;) {
    const facts = await auditFacts(clickhouse, acknowledged.byTable, sinceMs);
    const alerts = await checkAlerts(clickhouse, truthPath, { sinceMs, nowMs: Date.now() });
    const settled = facts.lost === 0 && alerts.missed === 0 && Date.now() >= alerts.lastDueMs;
    if (settled || Date.now() >= deadlineMs) {
      return {
        eventsIn: acknowledged.total,
        eventsProcessed: shopEventsRead(options.processors),
        factsWritten: facts.facts,
        windowsWritten: await countSince(clickhouse, WINDOW_TABLES, { column: 'emitted_at', sinceMs }),
        recommendationsServed: await countSince(clickhouse, ['served'], { column: 'ingest_time', sinceMs }),
        alerts: alerts.alerts,
        alertsExpected: alerts.expected,
        alertsMissed: alerts.missed,
        lost: facts.lost,
        duplicated: facts.duplicated,
        p99FreshnessMs: Math.round(options.processors.runner.online.freshness.quantile(0.99)),
      };
    }
    await sleep(LOOK_MS);
  }
}

/** Events that clients sent and the processors have read, streams between the processors not counted. */
export function shopEventsRead(processors: Processors): number {
  const topics = PUBLIC_TOPICS.map((topic) => topic.name);
  return processors.runner.tasks.reduce(
    (sum, task) => sum + topics.reduce((read, topic) => read + task.readOf(topic), 0),
    0,
  );
}

async function countSince(
  clickhouse: ClickHouse,
  tables: readonly string[],
  since: { readonly column: string; readonly sinceMs: number },
): Promise<number> {
  let total = 0;
  for (const table of tables) {
    const [row] = await clickhouse.query<{ rows: number }>(
      `SELECT count() AS rows FROM ${table} FINAL WHERE ${since.column} >= fromUnixTimestamp64Milli({since:Int64})`,
      { params: { since: since.sinceMs } },
    );
    total += row?.rows ?? 0;
  }
  return total;
}
