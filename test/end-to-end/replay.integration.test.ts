import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { replay } from '../../ingest/replay/replay.ts';
import { replaySource } from '../../ingest/replay/replay-source.ts';
import { openClickHouse } from '../../platform/clickhouse/open.ts';
import { parseConfig } from '../../platform/config.ts';
import { openKafka } from '../../platform/kafka/index.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import { silentLogger } from '../../platform/log.ts';
import { topicsOf } from '../../schemas/topics.ts';
import { lastJson, runMillrace, type MillraceProcess } from '../harness/millrace-process.ts';
import { requireService } from '../harness/require-service.ts';
import { temporaryDir } from '../harness/temporary-dir.ts';
import { waitUntil } from '../harness/wait-until.ts';

const kafkaService = requireService('kafka');
const redisService = requireService('redis');
const SESSIONS = 4000;

/** Sessions of 2 to 9 clicks, as the Diginetica file has them; the answer is the number of clicks. */
async function writeSample(path: string): Promise<number> {
  const lines = Array.from({ length: SESSIONS }, (_, session) =>
    Array.from({ length: 2 + ((session * 7) % 8) }, (__, click) => 1 + ((session * 31 + click * 17) % 500)),
  );
  await writeFile(path, lines.map((line) => `${line.join(' ')}\n`).join(''));
  return lines.reduce((sum, line) => sum + line.length, 0);
}

function killed(child: MillraceProcess): Promise<unknown> {
  child.child.kill('SIGKILL');
  return child.ended;
}

describe.skipIf(kafkaService.isMissing || redisService.isMissing)(
  redisService.title(kafkaService.title('replay on real Kafka and Redis')),
  () => {
    const brokers = kafkaService.address.split(',');

    async function setUp(): Promise<{
      dir: string;
      sample: string;
      clicks: number;
      namespace: string;
      kafka: Kafka;
      env: Record<string, string>;
    }> {
      const dir = await temporaryDir();
      const sample = join(dir, 'train_sessions.txt');
      const clicks = await writeSample(sample);
      const namespace = `t-${randomUUID().slice(0, 8)}`;
      const kafka = await openKafka({
        config: { brokers },
        dataDir: dir,
        clientId: 'test',
        log: silentLogger(),
      });
      onTestFinished(async () => {
        await kafka.admin.deleteTopics(topicsOf(namespace).map((topic) => topic.name));
        await kafka.close();
      });
      const env = {
        MR_KAFKA_BROKERS: kafkaService.address,
        MR_REDIS_URL: redisService.address,
        MR_DATA_DIR: join(dir, 'data'),
        MR_NAMESPACE: namespace,
        MR_PROCESSORS_PORT: '0',
      };
      return { dir, sample, clicks, namespace, kafka, env };
    }

    async function countClicks(dir: string, namespace: string) {
      const config = parseConfig({ MR_DATA_DIR: join(dir, 'data'), MR_NAMESPACE: namespace });
      const clickhouse = await openClickHouse({
        config: config.clickhouse,
        dataDir: config.dataDir,
        log: silentLogger(),
      });
      try {
        const [facts] = await clickhouse.query<{ facts: number; ids: number }>(
          'SELECT count() AS facts, uniqExact(event_id) AS ids FROM clicks FINAL',
        );
        const [windows] = await clickhouse.query<{ views: number }>(
          'SELECT sum(views) AS views FROM item_by_minute',
        );
        const [shop] = await clickhouse.query<{ views: number }>(
          'SELECT sum(product_views) AS views FROM shop_by_minute',
        );
        return { ...facts, itemViews: windows?.views, shopViews: shop?.views };
      } finally {
        await clickhouse.close();
      }
    }

    it('leaves the same facts and windows when the processors are killed with -9 half way, twice', async () => {
      const { dir, sample, clicks, namespace, kafka, env } = await setUp();
      const topic = `${namespace}.shop.clickstream`;
      const group = `${namespace}.millrace-processors`;
      const read = async () =>
        (await kafka.admin.committed(group, topic)).reduce((sum, { offset }) => sum + offset, 0);
      await mkdir(join(dir, 'data'), { recursive: true });

      let processors = runMillrace(['start', 'processors'], env);
      onTestFinished(async () => {
        await killed(processors);
      });
      await waitUntil(() => processors.stderr().includes('processors  http'), {
        timeoutMs: 60_000,
        what: 'the start of the processors',
      });
      const producer = kafka.producer();
      const publish = () =>
        replay({
          producer,
          namespace,
          source: replaySource('diginetica', sample),
          speed: 'max',
          now: Date.now,
        });
      const publishing = publish();
      for (const share of [0.3, 0.7]) {
        await waitUntil(async () => (await read()) >= clicks * share, {
          timeoutMs: 180_000,
          what: `${share} of the clicks`,
        });
        await killed(processors);
        processors = runMillrace(['start', 'processors'], env);
      }
      expect((await publishing).events).toBe(clicks);
      // The same events once more: nothing may be added.
      expect((await publish()).events).toBe(clicks);
      await waitUntil(async () => (await read()) >= clicks * 2, { timeoutMs: 120_000, what: 'all clicks' });
      processors.child.kill('SIGTERM');
      expect((await processors.ended).code).toBe(0);
      await producer.close();

      const result = await countClicks(dir, namespace);
      expect(result).toEqual({ facts: clicks, ids: clicks, itemViews: clicks, shopViews: clicks });
    });

    it('is a command that says the same each time it is run', async () => {
      const { dir, sample, clicks, namespace, env } = await setUp();
      for (let run = 1; run <= 2; run++) {
        const command = runMillrace(['replay', 'diginetica', sample, '--namespace', namespace], env);
        const { code, stdout } = await command.ended;
        expect(code, command.stderr()).toBe(0);
        expect(lastJson(stdout)).toMatchObject({
          published: clicks,
          factsInClickHouse: clicks,
          amountMinorSum: 0,
        });
      }
      expect(await countClicks(dir, namespace)).toMatchObject({ facts: clicks, ids: clicks });
    });

    it('says what is wrong with a path that does not exist', async () => {
      const { dir, env } = await setUp();
      const missing = runMillrace(['replay', 'olist', join(dir, 'nowhere.csv')], env);
      expect((await missing.ended).code).toBe(1);
      expect(missing.stderr()).toContain('MR_REPLAY_NOT_FOUND');
    });
  },
);
