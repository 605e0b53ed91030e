/**
 * The oracle: from what the producer wrote down and Kafka acknowledged it says what must be in Kafka, ClickHouse and the
 * online store, by plain loops over the events, and compares.
 */
import { topicOfRecord } from '../../../../ingest/public-event.ts';
import { namespaced, SHOP_TOPICS } from '../../../../schemas/topics.ts';
import { decodeEvent } from '../../../../schemas/wire-format.ts';
import type { Acknowledged } from '../acknowledgements.ts';
import type { Case, Evidence } from './case.ts';
import { checkDeadLetters } from './dead-letters.ts';
import { compareTallies, tally, type Findings } from './findings.ts';
import { checkKeys } from './keys.ts';
import { checkLateRecords, missedMinutes, mustBeLate, type TimeSettings } from './lateness.ts';
import {
  cardPaymentKey,
  cardPayments,
  foundItemTotals,
  itemTotals,
  purchaseKey,
  userActs,
  visitorPurchases,
} from './outputs.ts';
import { readEvents, readFacts, readLate, readTopic } from './stores.ts';
import { checkTables } from './tables.ts';

export interface Verdict {
  readonly eventsAcked: number;
  readonly windowsChecked: number;
  readonly lateEvents: number;
  readonly redisKeysChecked: number;
  readonly deadLetters: number;
}

const FACTS = { clickstream: 'clicks', orders: 'orders', payments: 'payments', shipments: 'scans' } as const;

export async function judge(evidence: Evidence, findings: Findings): Promise<Verdict> {
  const { book, kafka, namespace, times } = evidence;
  const nameOf = (topic: string) => namespaced(namespace, topic);
  const acknowledged = new Set(book.acknowledged.map(({ id }) => id));
  for (const { id } of book.intended)
    if (!acknowledged.has(id)) throw new Error(`the producer ended without an acknowledgement of ${id}`);
  const events = book.intended.flatMap(({ event }) => (event === undefined ? [] : [event]));
  const late = (
    await Promise.all(Object.keys(FACTS).map((topic) => readLate(kafka, nameOf(`shop.${topic}`))))
  ).flat();
  const theCase: Case = { ...evidence, findings, events, late, nameOf };
  await checkLog(theCase);
  await checkFacts(theCase);
  checkLate(theCase, times);
  await checkOutputs(theCase);
  const deadLetters = await checkDeadLetters(theCase);
  const windowsChecked = await checkTables(theCase, missedMinutes(late));
  const redisKeysChecked = await checkKeys(theCase);
  return {
    eventsAcked: events.length,
    windowsChecked,
    lateEvents: late.length,
    redisKeysChecked,
    deadLetters,
  };
}

/** What Kafka acknowledged stands where it said. */
async function checkLog({ book, kafka, findings }: Case): Promise<void> {
  const byTopic = new Map<string, Acknowledged[]>();
  for (const copy of book.acknowledged) byTopic.set(copy.topic, [...(byTopic.get(copy.topic) ?? []), copy]);
  const poisons = new Map(book.intended.flatMap(({ id, poison }) => (poison ? [[id, poison.text]] : [])));
  for (const [topic, copies] of byTopic) {
    const there = new Map(
      (await readTopic(kafka, topic)).map(({ partition, record }) => [
        `${partition}/${record.offset}`,
        record.value,
      ]),
    );
    for (const { id, partition, offset } of copies) {
      const value = there.get(`${partition}/${offset}`);
      const poison = poisons.get(id);
      const isThere =
        value !== undefined &&
        (poison === undefined ? decodeEvent(value).eventId === id : value?.toString() === poison);
      if (!isThere)
        findings.add('lost-by-kafka', `${id} was acknowledged at ${topic}/${partition}/${offset}`);
    }
  }
}

async function checkFacts({ events, clickhouse, findings, kafka, nameOf }: Case): Promise<void> {
  for (const [topic, table] of Object.entries(FACTS)) {
    const own = events.filter(({ type }) => topicOfRecord(type).name === `shop.${topic}`);
    const wanted = tally(own.map(({ eventId }) => eventId));
    compareTallies(findings, `table ${table}`, { wanted, found: await readFacts(clickhouse, table) });
  }
  const alerts = await readEvents(kafka, nameOf(SHOP_TOPICS.alerts.name));
  const wanted = tally(alerts.map(({ eventId }) => eventId));
  compareTallies(findings, 'table alerts', { wanted, found: await readFacts(clickhouse, 'alerts') });
}

function checkLate({ book, events, late, findings, nameOf }: Case, times: TimeSettings): void {
  checkLateRecords(findings, late, times);
  const found = tally(late.map(({ event, topic }) => `${topic}.late ${event.eventId}`));
  const byId = new Map(events.map((event) => [event.eventId, event]));
  const placeOf = (id: string) => {
    const event = byId.get(id);
    return event === undefined ? `? ${id}` : `${nameOf(topicOfRecord(event.type).name)}.late ${id}`;
  };
  // What may be late is every event, and once; what must be is known of clicks.
  const clicks = nameOf(SHOP_TOPICS.clickstream.name);
  const copies = book.acknowledged.filter(({ topic }) => topic === clicks);
  compareTallies(findings, 'late events', {
    wanted: tally(mustBeLate(copies, byId, times).map(placeOf)),
    atMost: tally([...byId.keys()].map(placeOf)),
    found,
  });
}

async function checkOutputs({ events, kafka, findings, nameOf }: Case): Promise<void> {
  const read = (topic: string) => readEvents(kafka, nameOf(`millrace.${topic}`));
  compareTallies(findings, 'card payments', {
    wanted: cardPayments(events),
    found: tally(
      (await read('card-payments')).flatMap((e) => (e.type === 'CardPayment' ? [cardPaymentKey(e)] : [])),
    ),
  });
  compareTallies(findings, 'purchases of visitors', {
    wanted: visitorPurchases(events),
    found: tally(
      (await read('visitor-purchases')).flatMap((e) =>
        e.type === 'VisitorPurchased' ? [purchaseKey(e)] : [],
      ),
    ),
  });
  compareTallies(findings, 'item activity', {
    wanted: itemTotals(events),
    found: foundItemTotals(await read('item-activity')),
  });
  const { least, most } = userActs(events);
  compareTallies(findings, 'user activity', {
    wanted: least,
    atMost: most,
    found: tally(
      (await read('user-activity')).flatMap((e) =>
        e.type === 'UserActed' ? [`${e.userId} ${e.itemId} ${e.action} ${e.eventTime}`] : [],
      ),
    ),
  });
}
