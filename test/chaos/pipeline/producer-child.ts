/**
 * The producer of the pipeline chaos, which is killed with SIGKILL like the others: a seeded shop whose events go straight
 * to Kafka. What it is about to send and what was acknowledged stands in its book; another start sends first what the
 * last one had no answer for. Argument: {@link ProducerTask} as JSON. SIGTERM closes the shop; it ends when all of it is
 * acknowledged.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { toProduceRecord } from '../../../ingest/public-event.ts';
import { createRandom } from '../../../platform/random.ts';
import { createShop } from '../../../ingest/simulator/shop.ts';
import { MillraceError } from '../../../platform/errors.ts';
import { openKafka } from '../../../platform/kafka/index.ts';
import type { Kafka, ProduceRecord } from '../../../platform/kafka/port.ts';
import { silentLogger } from '../../../platform/log.ts';
import { namespaced, SHOP_TOPICS } from '../../../schemas/topics.ts';
import {
  closeTornLines,
  noteAcknowledged,
  noteIntended,
  readBook,
  type Intended,
} from './acknowledgements.ts';
import type { ProducerTask } from './producer.ts';
import { Traffic } from './traffic.ts';

const TICK_MS = 50;
const RETRY_MS = 100;
const MAX_BATCH = 500;

const task = JSON.parse(process.argv[2] ?? '') as ProducerTask;
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

function recordOf({ event, poison }: Intended): ProduceRecord {
  if (event !== undefined) return toProduceRecord(event, task.namespace);
  const { key = '', text = '' } = poison ?? {};
  const topic = namespaced(task.namespace, SHOP_TOPICS.clickstream.name);
  return { topic, key, value: Buffer.from(text), timestampMs: Date.now() };
}

/** Sends until Kafka has acknowledged all of it. After a failure some copies may be there without an acknowledgement. */
async function send(kafka: Kafka, records: readonly Intended[], wasSent = false): Promise<void> {
  for (let at = 0; at < records.length; at += MAX_BATCH) {
    const batch = records.slice(at, at + MAX_BATCH);
    const { places, attempts } = await untilAcknowledged(kafka, batch.map(recordOf));
    const repeated = wasSent || attempts > 1 ? { isRepeated: true } : {};
    noteAcknowledged(
      task.dir,
      places.map((place, index) => ({ ...place, id: batch[index]?.id ?? '', ...repeated })),
    );
  }
}

let producer: ReturnType<Kafka['producer']> | undefined;

async function untilAcknowledged(kafka: Kafka, records: readonly ProduceRecord[]) {
  for (let attempts = 1; ; attempts++) {
    producer ??= kafka.producer();
    try {
      return { places: await producer.send(records), attempts };
    } catch (error) {
      if (!(error instanceof MillraceError) || !error.retryable) throw error;
      await producer.close();
      producer = undefined;
      await sleep(RETRY_MS);
    }
  }
}

async function main(): Promise<void> {
  closeTornLines(task.dir);
  const book = readBook(task.dir);
  const kafka = await openKafka({
    config: { brokers: task.brokers },
    ...{ dataDir: task.dir, clientId: 'chaos-producer', log: silentLogger() },
  });
  const known = new Set(book.acknowledged.map(({ id }) => id));
  await send(
    kafka,
    book.intended.filter(({ id }) => !known.has(id)),
    true,
  );
  const nowMs = Date.now();
  const shop = createShop({ seed: task.seed, epoch: task.round, startMs: nowMs });
  const tables = shop.tables(nowMs);
  const random = createRandom(task.seed, 'unkind', task.round);
  const traffic = new Traffic({ random, tables, prefix: String(task.round) });
  const ship = async (events: Parameters<Traffic['next']>[0]) => {
    const { fresh, copies } = traffic.next(events, Date.now());
    noteIntended(task.dir, fresh);
    await send(kafka, [...fresh, ...copies]);
    traffic.acknowledged(fresh);
  };
  if (book.intended.length === 0) await ship(tables);
  while (!stop.signal.aborted) {
    await ship(shop.tick(Date.now(), task.ratePerSecond).events);
    await sleep(TICK_MS, undefined, { signal: stop.signal }).catch(() => undefined); // the signal ends the wait
  }
  await ship(shop.settle(Date.now()));
  await kafka.close();
}

await main();
