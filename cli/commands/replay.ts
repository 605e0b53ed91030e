import { parseReplaySpeed, replay } from '../../ingest/replay/replay.ts';
import { replaySource, REPLAY_SOURCES, type ReplaySourceName } from '../../ingest/replay/replay-source.ts';
import type { ClickHouse } from '../../platform/clickhouse/port.ts';
import { loadConfig } from '../../platform/config.ts';
import { createMetrics } from '../../platform/metrics.ts';
import { startProcessors } from '../../processors/start.ts';
import { namespaced, SHOP_TOPICS } from '../../schemas/topics.ts';
import { openBackends } from '../backends.ts';
import { defineCommand, usageError } from '../command.ts';
import { untilCommitted } from '../progress-of-group.ts';
import { Progress } from '../progress.ts';
import { withSession } from '../session.ts';

/** Where the facts of a source end up. */
const TARGETS: Readonly<Record<ReplaySourceName, { topic: string; table: string; amounts: boolean }>> = {
  diginetica: { topic: SHOP_TOPICS.clickstream.name, table: 'clicks', amounts: false },
  olist: { topic: SHOP_TOPICS.payments.name, table: 'payments', amounts: true },
};

function sourceName(text: string | undefined): ReplaySourceName {
  const name = REPLAY_SOURCES.find((source) => source === text);
  if (name === undefined)
    throw usageError(`no source "${text ?? ''}" to replay: ${REPLAY_SOURCES.join(' or ')}`, 'replay');
  return name;
}

async function countFacts(
  clickhouse: ClickHouse,
  target: { table: string; amounts: boolean },
  topic: string,
) {
  const sum = target.amounts ? 'sum(amount_minor)' : '0';
  const [row] = await clickhouse.query<{ facts: number; amount: number }>(
    `SELECT count() AS facts, ${sum} AS amount FROM ${target.table} FINAL WHERE _topic = {topic:String}`,
    { params: { topic }, timeoutMs: 120_000 },
  );
  return { facts: row?.facts ?? 0, amount: row?.amount ?? 0 };
}

export const replayCommand = defineCommand({
  usage: 'diginetica|olist PATH [--speed max|N] [--namespace NAME]',
  details:
    'Publishes a recorded data set to topics of its own and processes it in this process until every event is a fact.\n' +
    'Event ids are deterministic: a second run, or one after a kill, leaves the same facts.',
  options: {
    speed: { type: 'string', default: 'max', about: 'max, or how many times faster than event time' },
    namespace: { type: 'string', about: 'prefix of topics, database and keys (default replay-<source>)' },
    'skip-bad-rows': { type: 'boolean', about: 'report bad rows and go on instead of ending at the first' },
  },
  positionals: { min: 2, max: 2 },
  examples: [
    ['replay diginetica data/diginetica', 'clicks of a shop, as fast as they are taken'],
    ['replay olist data/olist --speed 3600', 'payments, an hour of them each second'],
  ],
  async run({ options, positionals, print, note }) {
    const name = sourceName(positionals[0]);
    const source = replaySource(name, positionals[1] ?? '');
    const speed = parseReplaySpeed(options.speed);
    const target = TARGETS[name];
    const config = loadConfig(
      { MR_NAMESPACE: options.namespace ?? `replay-${name}` },
      { MR_LOG_LEVEL: 'warn' },
    );
    const topic = namespaced(config.namespace, target.topic);

    return withSession(config, 'replay', async (session) => {
      const { log, lifetime } = session;
      const startedMs = performance.now();
      const backends = await openBackends(session);
      const processors = await startProcessors({ ...backends, config, log, metrics: createMetrics() });
      lifetime.add('processors', processors);
      const producer = lifetime.add('producer', backends.kafka.producer());
      const publishing = new Progress(`publishing ${name}`, { unit: 'events' });
      const published = await replay({
        producer,
        namespace: config.namespace,
        source,
        speed,
        now: Date.now,
        badRows: options['skip-bad-rows'] ? 'skip' : 'abort',
        onBadRow: (error) => note(`${error.code}: ${error.message}`),
        onProgress: ({ events }) => publishing.update(events),
      });
      publishing.finish(published.events);
      await untilCommitted({ kafka: backends.kafka, processors, topic });
      const { facts, amount } = await countFacts(backends.clickhouse, target, topic);
      const seconds = Number(((performance.now() - startedMs) / 1000).toFixed(1));
      print(
        JSON.stringify({
          published: published.events,
          factsInClickHouse: facts,
          amountMinorSum: amount,
          seconds,
        }),
      );
      return 0;
    });
  },
});
