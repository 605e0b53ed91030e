import { onTestFinished, expect, test } from 'vitest';
import { openEmbeddedLog } from '../../platform/kafka/embedded/index.ts';
import { logReader } from '../../platform/kafka/log-reader.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import { silentLogger } from '../../platform/log.ts';
import { changelogTopic, SHOP_TOPICS } from '../../schemas/topics.ts';
import { encodeEvent } from '../../schemas/wire-format.ts';
import { shopEvent } from '../../test/harness/shop-events.ts';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { expectSame, raiseAlerts } from './explain-alert.contract.ts';
import { findEvidence } from './find-alert.ts';

/** Compacts whatever can be. */
const EAGER = { segmentBytes: 4 * 1024, compactionSlackBytes: 0, log: silentLogger(), fsync: false };

async function openIn(dir: string): Promise<Kafka> {
  const kafka = await openEmbeddedLog({ dir, ...EAGER });
  onTestFinished(() => kafka.close());
  return kafka;
}

/** Offsets that a changelog has given out, and the records that are left of them. */
async function sizeOf(kafka: Kafka, topic: string) {
  let [given, left] = [0, 0];
  for (const { partition, end } of await kafka.admin.offsets(topic)) {
    given += end;
    for await (const { records } of kafka.readToEnd({ topic, partition })) left += records.length;
  }
  return { given, left };
}

test('alerts of a record and of time are decided again after restarts and the compaction of their changelogs', {
  timeout: 120_000,
}, async () => {
  const dir = await temporaryDir();
  const run = { kafka: await openIn(dir), namespace: '' };
  const ids = await raiseAlerts(run);
  await expectSame(run, ids);
  await run.kafka.close();
  const again = { kafka: await openIn(dir), namespace: '' };
  const { given, left } = await sizeOf(again.kafka, changelogTopic('', 'orders'));
  expect(given - left).toBeGreaterThan(20);
  await expectSame(again, ids);
});

test('an alert of before evidence was kept is told apart from one that never was', async () => {
  const kafka = await openIn(await temporaryDir());
  const [alertId, namespace] = ['a-1', 'old'];
  await kafka.admin.ensureTopics([{ topic: `old.${SHOP_TOPICS.alerts.name}`, partitions: 2 }]);
  const value = encodeEvent(shopEvent('AlertRaised', { alertId }));
  await kafka.producer().send([{ topic: `old.${SHOP_TOPICS.alerts.name}`, key: 'card-1', value }]);
  const find = (id: string) => findEvidence(logReader(kafka), namespace, id);
  await expect(find(alertId)).rejects.toMatchObject({
    code: 'MR_EXPLAIN_NO_EVIDENCE',
    message: expect.stringContaining('many payments') as string,
  });
  await expect(find('a-2')).rejects.toMatchObject({ code: 'MR_EXPLAIN_NOT_FOUND' });
});
