import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEmbeddedLog } from '../../platform/kafka/embedded/index.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import { silentLogger } from '../../platform/log.ts';
import type { MillraceEvent } from '../../schemas/generated/events.ts';
import { PACKAGE_ROOT } from '../../schemas/package-root.ts';
import { SHOP_TOPICS, namespaced, topicsOf, type TopicContract } from '../../schemas/topics.ts';
import { decodeEvent } from '../../schemas/wire-format.ts';
import { replaySource, type ReplaySourceName } from './replay-source.ts';
import { replay } from './replay.ts';

const DATA = join(PACKAGE_ROOT, '..', 'shared', 'data');
// Not part of the repository and not to be had everywhere, so CI leaves it out too.
const missing = !existsSync(DATA);

describe.skipIf(missing)('the published files (left out where the data folder is missing)', () => {
  let folder: string;
  let kafka: Kafka;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mr-published-'));
    kafka = await openEmbeddedLog({ dir: folder, log: silentLogger(), fsync: false });
  });
  afterAll(async () => {
    await kafka.close();
    await rm(folder, { recursive: true });
  });

  /** Replays a source into a namespace of its own and walks through what the log holds then. */
  async function replayed(name: ReplaySourceName, topic: TopicContract, see: (event: MillraceEvent) => void) {
    const namespace = `replay-${name}`;
    await kafka.admin.ensureTopics(
      topicsOf(namespace).map((own) => ({ topic: own.name, partitions: own.partitions })),
    );
    const producer = kafka.producer();
    const source = replaySource(name, join(DATA, name));
    const result = await replay({ producer, namespace, source, speed: 'max', now: Date.now });
    for (let partition = 0; partition < topic.partitions; partition++) {
      for await (const batch of kafka.readToEnd({ topic: namespaced(namespace, topic.name), partition })) {
        for (const { value } of batch.records) see(decodeEvent(value));
      }
    }
    return result;
  }

  test('diginetica: 906,140 clicks of 186,670 sessions', async () => {
    const ids = new Set<string>();
    const sessions = new Set<string>();
    const result = await replayed('diginetica', SHOP_TOPICS.clickstream, (event) => {
      ids.add(event.eventId);
      if (event.type === 'ProductViewed') sessions.add(event.anonymousId);
    });
    expect(result).toMatchObject({ events: 906_140, badRows: 0 });
    expect([ids.size, sessions.size]).toEqual([906_140, 186_670]);
  }, 300_000);

  test('olist: 103,886 payments of 16,008,872.12 BRL, nine of them without an amount', async () => {
    const ids = new Set<string>();
    let sumMinor = 0;
    let zeros = 0;
    const result = await replayed('olist', SHOP_TOPICS.payments, (event) => {
      if (event.type !== 'PaymentCaptured') return;
      ids.add(event.paymentId);
      sumMinor += event.amount.amountMinor;
      if (event.amount.amountMinor === 0) zeros++;
    });
    expect(result).toMatchObject({ events: 103_886, badRows: 0 });
    expect([ids.size, sumMinor, zeros]).toEqual([103_886, 1_600_887_212, 9]);
  }, 120_000);
});
