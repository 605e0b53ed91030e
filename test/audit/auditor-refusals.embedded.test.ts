import { expect, test } from 'vitest';
import { openEmbeddedLog } from '../../platform/kafka/embedded/index.ts';
import { silentLogger } from '../../platform/log.ts';
import type { StreamRunner } from '../../processors/runtime/run/runner.ts';
import { deadLetterTopic, INTERNAL_TOPICS, SHOP_TOPICS, topicsOf } from '../../schemas/topics.ts';
import { viewOf } from '../harness/shop-events.ts';
import { temporaryDir } from '../harness/temporary-dir.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { auditedShop, dyingWriter, topicRecord, traffic, type AuditedShop } from './audited-shop.contract.ts';

const VIEWS = SHOP_TOPICS.clickstream.name;
const ACTIONS = INTERNAL_TOPICS.userActivity.name;
/** Tables refuse the facts of one item, the minutes of a second, and those of a third once it was seen twice. */
const CONSTRAINTS = [
  `ALTER TABLE clicks ADD CONSTRAINT no_fact CHECK item_id != 'no-fact'`,
  `ALTER TABLE item_minute ADD CONSTRAINT no_minute CHECK item_id != 'no-minute'`,
  `ALTER TABLE item_minute ADD CONSTRAINT one_view CHECK item_id != 'seen-twice' OR views < 2`,
];

/** A data folder whose log takes no large records of what users did. */
async function smallTopic(): Promise<string> {
  const dataDir = await temporaryDir();
  const kafka = await openEmbeddedLog({ dir: `${dataDir}/log`, log: silentLogger(), fsync: false });
  const { partitions, config } = topicsOf('').find(({ name }) => name === ACTIONS)!;
  const limit = { 'max.message.bytes': '10000' };
  await kafka.admin.ensureTopics([{ topic: ACTIONS, partitions, config: { ...config, ...limit } }]);
  await kafka.close();
  return dataDir;
}

/** Of one minute, so that a second view of an item says more of the same row. */
function viewsAt(eventTimeMs: number) {
  return (itemId: string, fields: Parameters<typeof viewOf>[2] = {}) =>
    topicRecord(VIEWS, viewOf(itemId, eventTimeMs, { ingestTime: Date.now(), ...fields }));
}

/** Why letters were put aside, and where to what they hold was to go. */
async function lettersOf({ kafka }: AuditedShop): Promise<readonly string[]> {
  const letters: string[] = [];
  for (const { partition } of await kafka.admin.offsets(deadLetterTopic(VIEWS)))
    for await (const { records } of kafka.readToEnd({ topic: deadLetterTopic(VIEWS), partition }))
      for (const { headers } of records) {
        const to = headers['mr-target-table'] ?? headers['mr-target-topic'];
        if (to !== undefined) letters.push(`${headers['mr-code']} ${to}`);
      }
  return letters.sort();
}

async function rest(shop: AuditedShop, runner: StreamRunner, letters: number): Promise<void> {
  await Promise.race([shop.settled(), runner.done]);
  const isDone = async () => (await lettersOf(shop)).length >= letters;
  const asideMs = 60_000;
  await Promise.race([waitUntil(isDone, { timeoutMs: asideMs, what: 'refusals' }), runner.done]);
  await runner.stop();
}

test('what tables and topics refuse is a letter, and nothing is wrong', { timeout: 600_000 }, async () => {
  const shop = await auditedShop({ dataDir: await smallTopic() });
  const watching = shop.auditor();
  const view = viewsAt(Date.now());
  await shop.send([...traffic(1, 2), view('seen-twice')]);
  const first = await shop.start();
  await shop.settled();
  for (const constraint of CONSTRAINTS) await shop.clickhouse.command(constraint);
  await shop.send([view('seen-twice')]);
  await rest(shop, first, 1);
  expect((await watching.pass()).findings).toEqual([]);

  // Dies between the tables that have refused, and the transaction that would put aside.
  await shop.send([view('no-fact'), view('no-fact'), view('no-minute'), view('seen-twice')]);
  await shop.send([view('a', { userId: 'u', traceparent: 'x'.repeat(20_000) })]);
  const dying = await shop.start({ rows: dyingWriter(shop, 0) });
  await expect(dying.done).rejects.toThrow('died between');
  await dying.stop();
  const last = await shop.start();
  await rest(shop, last, 6);
  for (const report of [await watching.pass(), await shop.audit()]) expect(report.findings).toEqual([]);
  expect(await lettersOf(shop)).toEqual([
    'MR_CLICKHOUSE_ROW_REFUSED clicks',
    'MR_CLICKHOUSE_ROW_REFUSED clicks',
    'MR_CLICKHOUSE_ROW_REFUSED item_minute',
    'MR_CLICKHOUSE_ROW_REFUSED item_minute',
    'MR_CLICKHOUSE_ROW_REFUSED item_minute',
    `MR_KAFKA_RECORD_REFUSED ${ACTIONS}`,
  ]);
  const left = await shop.clickhouse.query<{ views: number }>(
    `SELECT views FROM item_minute FINAL WHERE item_id = 'seen-twice'`,
  );
  expect(left.map(({ views }) => views)).toEqual([1]);

  // It does look: a letter that is gone, and a row of a refused key that a hand has altered, are found.
  await shop.clickhouse.command(`ALTER TABLE item_minute DELETE WHERE item_id = 'seen-twice'`, {
    settings: { mutations_sync: 1 },
  });
  const found = (await watching.pass()).findings.map(({ what, kind }) => `${kind} ${what}`);
  expect(found).toEqual(['gap item_minute']);
});
