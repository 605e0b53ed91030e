import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { parseConfig } from '../../platform/config.ts';
import { logReader } from '../../platform/kafka/log-reader.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import { silentLogger } from '../../platform/log.ts';
import type { PaymentsEvent, ShipmentsEvent } from '../../schemas/generated/events.ts';
import { ALERT_EVIDENCE_TOPIC, namespaced, SHOP_TOPICS, topicsOf } from '../../schemas/topics.ts';
import { encodeEvent } from '../../schemas/wire-format.ts';
import { MemoryOnlineStore, MemoryRowWriter } from '../../test/harness/memory-sinks.ts';
import { captureOf, scanOf } from '../../test/harness/shop-events.ts';
import { waitUntil } from '../../test/harness/wait-until.ts';
import { jobDescription, topologyHash } from '../job-description.ts';
import { StreamRunner } from '../runtime/run/runner.ts';
import { settingsOf, shopTopology } from '../topologies.ts';
import { findChain } from './chain.ts';
import { explainAlert, type Outcome } from './explain-alert.ts';
import { findEvidence, rangesOf, read, type Published } from './find-alert.ts';

const { processing } = parseConfig({ MR_CARD_BURST_COUNT: '4', MR_PARCEL_SILENCE: '1500ms' });
const SHOP = shopTopology(processing);
const SETTINGS = settingsOf(processing);

export interface ExplainRun {
  readonly kafka: Kafka;
  readonly namespace: string;
}

/** A runner of the shop's topology on a log, with its tables and online store in memory. */
export async function startShop({ kafka, namespace }: ExplainRun): Promise<StreamRunner> {
  const runner = new StreamRunner({
    ...{ subtopologies: SHOP.subtopologies, groupId: namespaced(namespace, 'explain'), namespace, kafka },
    ...{ rows: new MemoryRowWriter(), store: new MemoryOnlineStore(), log: silentLogger() },
    job: jobDescription(SHOP, processing),
    watermark: { outOfOrderMs: 0, idleTimeoutMs: 500 },
    ...{ commitIntervalMs: 50, onlineFlushIntervalMs: 20, now: Date.now, newId: randomUUID },
  });
  await runner.start();
  return runner;
}

async function send(
  { kafka, namespace }: ExplainRun,
  topic: string,
  events: readonly (PaymentsEvent | ShipmentsEvent)[],
): Promise<void> {
  const producer = kafka.producer();
  await producer.send(
    events.map((event) => ({
      ...{ topic: namespaced(namespace, topic), key: event.orderId, value: encodeEvent(event) },
      timestampMs: event.ingestTime,
    })),
  );
  await producer.close();
}

const fresh = () => ({ eventId: randomUUID(), ingestTime: Date.now() });
const pay = (n: number) => captureOf(`p${n}`, Date.now(), { ...fresh(), orderId: `order-${n}` });
const scan = (n: number) => scanOf(`parcel-${n}`, Date.now(), { ...fresh(), orderId: `order-${n}` });

/** Ids of the alerts of whom evidence is kept. */
export async function explainedIds({ kafka, namespace }: ExplainRun): Promise<readonly string[]> {
  const topic = namespaced(namespace, ALERT_EVIDENCE_TOPIC.name);
  const ids: string[] = [];
  for (const { partition } of await rangesOf(logReader(kafka), topic))
    for await (const { key } of read(logReader(kafka), { topic, partition })) ids.push(String(key));
  return ids;
}

/** Makes a burst of payments and three parcels fall silent, with a restart in the middle of both. */
export async function raiseAlerts(run: ExplainRun): Promise<readonly string[]> {
  const { kafka, namespace } = run;
  const topics = topicsOf(namespace);
  await kafka.admin.ensureTopics(
    topics.map(({ name, partitions, config }) => ({ topic: name, partitions, config })),
  );
  const first = await startShop(run);
  await send(run, SHOP_TOPICS.payments.name, [pay(1), pay(2), pay(3)]);
  await send(run, SHOP_TOPICS.shipments.name, [scan(1), scan(2), scan(3)]);
  const cardPayments = () => first.tasks.filter(({ subtopology }) => subtopology.name === 'card');
  await waitUntil(() => cardPayments().reduce((sum, { counters }) => sum + counters.ok, 0) === 3, {
    ...{ timeoutMs: 30_000, what: 'three payments of the card' },
  });
  await first.stop();
  const second = await startShop(run);
  await send(run, SHOP_TOPICS.payments.name, [pay(4)]);
  await waitUntil(async () => (await explainedIds(run)).length >= 4, {
    ...{ timeoutMs: 60_000, what: 'four alerts' },
  });
  await second.stop();
  return explainedIds(run);
}

/** Explains an alert as the command does. */
export async function explain(
  { kafka, namespace }: ExplainRun,
  alertId: string,
): Promise<{ kind: string; cause: string; outcome: Outcome; published: Published; links: number }> {
  const log = logReader(kafka);
  const { evidence, published } = await findEvidence(log, namespace, alertId);
  const { outcome, alert } = explainAlert(evidence, {
    ...{ current: SETTINGS, usesCurrent: false },
    hashOf: (settings) => topologyHash(shopTopology(settings)),
  });
  const { links } = await findChain(log, namespace, { alert, isTimeUp: () => false });
  return { kind: alert.kind, cause: evidence.cause.kind, outcome, published, links: links.length };
}

/** What must hold of the alerts of {@link raiseAlerts}, whatever has become of the log since. */
export async function expectSame(run: ExplainRun, ids: readonly string[]): Promise<void> {
  const explained = await Promise.all(ids.map((id) => explain(run, id)));
  const same = { outcome: 'same', published: 'as decided' };
  const parcel = { kind: 'parcel-silent', cause: 'timer', links: 1, ...same };
  const burst = { kind: 'card-velocity-burst', cause: 'record', links: 4, ...same };
  expect(explained.sort((a, b) => a.kind.localeCompare(b.kind))).toEqual([burst, parcel, parcel, parcel]);
  await expect(findEvidence(logReader(run.kafka), run.namespace, randomUUID())).rejects.toMatchObject({
    code: 'MR_EXPLAIN_NOT_FOUND',
  });
}
