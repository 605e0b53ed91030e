import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { randomName } from '../../../platform/kafka/contract/harness.contract.ts';
import type { Kafka, LogRecord } from '../../../platform/kafka/port.ts';
import { silentLogger } from '../../../platform/log.ts';
import type { ProductViewed } from '../../../schemas/generated/events.ts';
import { deadLetterTopic, lateTopic, namespaced } from '../../../schemas/topics.ts';
import { dyingAt } from '../../../test/harness/dying-kafka.ts';
import { MemoryOnlineStore, MemoryRowWriter } from '../../../test/harness/memory-sinks.ts';
import { T0, viewOf } from '../../../test/harness/shop-events.ts';
import {
  countViews,
  factsByPlace,
  latestCounts,
  viewJob,
  viewRecord,
  VIEWS,
  viewTopics,
} from '../../../test/harness/view-job.ts';
import { waitUntil } from '../../../test/harness/wait-until.ts';
import { StreamRunner } from '../run/runner.ts';
import type { InputRecord, Subtopology } from '../topology.ts';
import { redrive, type RedriveOptions } from './redrive.ts';

const PARTITIONS = 3;
const MINUTE_MS = 60_000;
const KEPT = { 'retention.ms': '-1' };

type Ask = Partial<Pick<RedriveOptions, 'selection' | 'again' | 'extend' | 'dryRun' | 'kafka' | 'insert'>>;

/** A shop whose step throws on items that begin with `bad`, until it is mended. */
async function brokenShop(kafka: Kafka, outOfOrderMs: number) {
  const namespace = randomName('dlq');
  const nameOf = (topic: string) => namespaced(namespace, topic);
  await kafka.admin.ensureTopics(
    // The events are of a day in the past: a broker would delete them at its next look.
    viewTopics(PARTITIONS).map((spec) => ({ ...spec, topic: nameOf(spec.topic), config: KEPT })),
  );
  const step = { isBroken: true };
  const rows = new MemoryRowWriter();
  const runner = new StreamRunner({
    subtopologies: viewJob(0).map((one) => (one.name === 'views' ? breaking(one, step) : one)),
    ...{ groupId: randomName('group'), namespace, kafka, rows, store: new MemoryOnlineStore() },
    watermark: { outOfOrderMs, idleTimeoutMs: 60_000 },
    ...{ commitIntervalMs: 20, onlineFlushIntervalMs: 5, now: Date.now, newId: randomUUID },
    log: silentLogger(),
  });
  const producer = kafka.producer();
  onTestFinished(() => runner.stop());
  await runner.start();
  const count = (field: 'ok' | 'deadLetter' | 'late' | 'duplicate') =>
    runner.tasks
      .filter(({ subtopology }) => subtopology.name === 'views')
      .reduce((sum, { counters }) => sum + counters[field], 0);
  const read = async (topic: string): Promise<LogRecord[]> => {
    const records: LogRecord[] = [];
    for (let partition = 0; partition < PARTITIONS; partition++)
      for await (const batch of kafka.readToEnd({ topic: nameOf(topic), partition }))
        records.push(...batch.records);
    return records;
  };
  const ask = (options: Ask = {}) =>
    redrive({
      ...{ kafka, namespace, selection: {}, again: false, extend: false, dryRun: false },
      insert: () => Promise.reject(new Error('there are no rows here')),
      ...options,
    });
  return {
    ...{ namespace, step, rows, runner, read, ask, count },
    publish: (events: readonly ProductViewed[]) =>
      producer.send(events.map(viewRecord).map((record) => ({ ...record, topic: nameOf(record.topic) }))),
    until: (what: string, condition: () => boolean | Promise<boolean>) =>
      waitUntil(condition, { timeoutMs: 40_000, what }),
    lettersAre: (wanted: number) => async () => (await read(deadLetterTopic(VIEWS))).length === wanted,
  };
}

function breaking(subtopology: Subtopology, step: { readonly isBroken: boolean }): Subtopology {
  return {
    ...subtopology,
    create(context) {
      const processor = subtopology.create(context);
      return {
        ...processor,
        process(record: InputRecord<never>) {
          const { itemId } = record.value as unknown as ProductViewed;
          if (step.isBroken && itemId.startsWith('bad')) throw new TypeError('not mended yet');
          return processor.process(record);
        },
      };
    },
  };
}

/** Views of devices that lie in all partitions; every third is of an item that the step cannot take. */
function viewsOf(count: number): readonly ProductViewed[] {
  return Array.from({ length: count }, (_, n) =>
    viewOf(n % 3 === 0 ? `bad-${n % 5}` : `item-${n % 5}`, T0 + n * 10, {
      ...{ eventId: randomUUID(), anonymousId: `device-${n % 11}` },
    }),
  );
}

/** What a redrive promises, on any log. */
export function redriveContract(open: () => Promise<Kafka>): void {
  test('poison, mended, redriven: facts and windows count each event once, and a second redrive sends nothing', async () => {
    const kafka = await open();
    const shop = await brokenShop(kafka, 3_600_000);
    const events = viewsOf(120);
    await shop.publish(events);
    await shop.until('the letters', shop.lettersAre(40));
    expect((await shop.ask({ dryRun: true })).redriven).toBe(40);
    // Not mended: they fail again, and their attempts rise.
    expect((await shop.ask({ selection: { topics: [`${shop.namespace}.${VIEWS}.dlq`] } })).redriven).toBe(40);
    await shop.until('the letters again', shop.lettersAre(80));
    const attempts = (await shop.read(deadLetterTopic(VIEWS))).map(({ headers }) => headers['mr-attempt']);
    expect(attempts.filter((attempt) => attempt === '2')).toHaveLength(40);
    shop.step.isBroken = false;
    expect(await shop.ask()).toMatchObject({ redriven: 40, doneBefore: 40, left: [] });
    const truth = countViews(events, ({ itemId }) => itemId);
    await shop.until('all counted', () =>
      [...truth].every(([window, n]) => latestCounts(shop.rows.rows('item_minute')).get(window) === n),
    );
    expect(latestCounts(shop.rows.rows('item_minute'))).toEqual(truth);
    const facts = [...factsByPlace(shop.rows.rows('clicks')).values()];
    expect(facts.sort()).toEqual(events.map(({ eventId }) => eventId).sort());
    expect(await shop.ask()).toMatchObject({ redriven: 0, doneBefore: 80 });
    // Sent once more on purpose, they are duplicates to the first task.
    expect(await shop.ask({ again: true })).toMatchObject({ redriven: 80, doneBefore: 0 });
    await shop.until('the duplicates', () => shop.count('duplicate') === 80);
    expect(latestCounts(shop.rows.rows('item_minute'))).toEqual(truth);
  });

  test('killed at any of its commits, a redrive goes on; each letter is sent once, in the order of its key', async () => {
    const kafka = await open();
    const shop = await brokenShop(kafka, 3_600_000);
    await shop.publish(viewsOf(120));
    await shop.until('the letters', shop.lettersAre(40));
    shop.step.isBroken = false;
    for (const [commit, isWritten] of [
      [1, false],
      [1, true],
      [2, false],
    ] as const)
      await expect(shop.ask({ kafka: dyingAt(kafka, commit, isWritten) })).rejects.toThrow('killed');
    const last = await shop.ask();
    expect(last.redriven).toBeGreaterThan(0);
    expect(last.redriven + last.doneBefore).toBe(40);
    const sent = (await shop.read(VIEWS)).flatMap(({ key, headers }) => {
      const from = headers['mr-redriven-from'];
      return from === undefined ? [] : [{ key: String(key), from, offset: Number(from.split('/').at(-1)) }];
    });
    expect(new Set(sent.map(({ from }) => from)).size).toBe(40);
    expect(sent).toHaveLength(40);
    for (const key of new Set(sent.map((one) => one.key))) {
      const offsets = sent.filter((one) => one.key === key).map(({ offset }) => offset);
      expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
    }
  });

  test('redriven into closed windows, an event counts once, as late', async () => {
    const kafka = await open();
    const shop = await brokenShop(kafka, 0);
    const late = viewOf('bad-1', T0, { eventId: randomUUID(), anonymousId: 'device-1' });
    const later = viewOf('a', T0 + 10 * MINUTE_MS, { eventId: randomUUID(), anonymousId: 'device-1' });
    await shop.publish([late, later]);
    await shop.until('the letter', shop.lettersAre(1));
    await shop.until('the other', () => shop.count('ok') === 1);
    shop.step.isBroken = false;
    await shop.ask();
    await shop.until('the late event', () => shop.count('late') === 1);
    await shop.ask({ again: true });
    await shop.until('its duplicate', () => shop.count('duplicate') === 1);
    await shop.until('the late topic', async () => (await shop.read(lateTopic(VIEWS))).length > 0);
    expect(await shop.read(lateTopic(VIEWS))).toHaveLength(1);
    expect([...latestCounts(shop.rows.rows('item_minute')).keys()]).toEqual(['10 a']);
    expect(factsByPlace(shop.rows.rows('clicks')).size).toBe(2);
  });

  test('a selection that would overtake is refused, or extended', async () => {
    const kafka = await open();
    const shop = await brokenShop(kafka, 3_600_000);
    const ofDevice = (n: number) =>
      viewOf(`bad-${n}`, T0 + n, { eventId: randomUUID(), anonymousId: 'device-1' });
    await shop.publish([ofDevice(0), ofDevice(1), ofDevice(2)]);
    await shop.until('the letters', shop.lettersAre(3));
    shop.step.isBroken = false;
    const selection = { offsets: [1] };
    await expect(shop.ask({ selection })).rejects.toMatchObject({
      ...{ code: 'MR_DLQ_OVERTAKES', message: expect.stringContaining('.dlq/') as string },
    });
    expect(await shop.ask({ selection, extend: true })).toMatchObject({ redriven: 2, added: 1 });
    expect(await shop.ask()).toMatchObject({ redriven: 1, doneBefore: 2 });
  });

  test('letters whose topic or partition is gone stay, and say so; the others go', async () => {
    const kafka = await open();
    const namespace = randomName('dlq');
    const [orders, few, items] = ['orders', 'few', 'items'].map((name) => `${namespace}.${name}`) as [
      string,
      string,
      string,
    ];
    await kafka.admin.ensureTopics([
      ...[orders, few].map((topic) => ({ topic, partitions: 1 })),
      { topic: items, partitions: 1, config: { 'cleanup.policy': 'compact' } },
      { topic: `${orders}.dlq`, partitions: 1 },
    ]);
    const from = (topic: string, partition: number, offset: number) => ({
      'mr-code': 'MR_SCHEMA_DECODE',
      'mr-origin-topic': topic,
      'mr-origin-partition': String(partition),
      'mr-origin-offset': String(offset),
    });
    const bytes = Buffer.from([0xff, 0, 0xfe]);
    const letters = [
      from(`${namespace}.deleted`, 0, 0),
      from(few, 5, 0),
      { 'mr-code': 'who knows' },
      { ...from(orders, 0, 0), 'mr-cut-from-bytes': '99' },
      from(items, 0, 0),
      { ...from(orders, 0, 1), 'mr-origin-key-base64': bytes.toString('base64') },
    ];
    const producer = kafka.producer();
    await producer.send([1, 2].map((n) => ({ topic: items, key: 'item', value: Buffer.from(String(n)) })));
    await producer.send(
      letters.map((headers, n) => ({
        ...{
          topic: `${orders}.dlq`,
          partition: 0,
          key: n === 4 ? 'item' : null,
          value: Buffer.from([n]),
          headers,
        },
      })),
    );
    const report = await redrive({
      ...{ kafka, namespace, selection: {}, again: false, extend: false, dryRun: false },
      insert: () => Promise.reject(new Error('there are no rows here')),
    });
    expect(report.redriven).toBe(1);
    expect(report.left.map(({ reason }) => reason)).toEqual([
      `there is no topic ${namespace}.deleted any more`,
      `topic ${few} has 1 partition(s) and no 5 any more`,
      'its headers do not say where it came from',
      'only the beginning of its 99 bytes is here',
      `${items} is compacted and has a newer record of its key`,
    ]);
    const sent: LogRecord[] = [];
    for await (const batch of kafka.readToEnd({ topic: orders, partition: 0 })) sent.push(...batch.records);
    expect(sent.map(({ key, value }) => [key, value])).toEqual([[bytes, Buffer.from([5])]]);
  });
}
