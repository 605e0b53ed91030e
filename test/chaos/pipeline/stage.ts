import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import { ensureTopics } from '../../../cli/backends.ts';
import { parseConfig, type Config } from '../../../platform/config.ts';
import { openKafka } from '../../../platform/kafka/index.ts';
import { silentLogger } from '../../../platform/log.ts';
import { retry } from '../../../platform/retry.ts';
import type { Store, Victims } from './faults.ts';
import { openLink } from './network-link.ts';
import { isBug, Processor } from './processor.ts';
import { Producer } from './producer.ts';
import { Servers } from './servers.ts';
import type { Findings } from './oracle/findings.ts';

const BROKERS = 3;
export const NAMESPACE = 'chaos';

export interface StageOptions {
  /** Everything that runs has its folder in it. */
  readonly dir: string;
  readonly instances: number;
  readonly seed: number;
  readonly ratePerSecond: number;
  readonly withStandbys: boolean;
  readonly sessionTimeoutMs: number;
  readonly findings: Findings;
  readonly note: (line: string) => void;
}

/** Everything that the pipeline consists of, and an end for all of it. */
export interface Stage extends Victims {
  /** Settings that lead past the proxies, for the oracle. */
  readonly config: Config;
  /** Times that a processor ended by itself: with a server away, that is what it should do. */
  readonly exits: { count: number };
  /** Ends every process that was started; logs and data stay. */
  close(): Promise<void>;
}

/** Times of the processors: short, so that a run of minutes sees windows close and sessions time out. */
function processorSettings({ withStandbys, sessionTimeoutMs }: StageOptions): Record<string, string> {
  return {
    MR_NAMESPACE: NAMESPACE,
    MR_LOG_LEVEL: 'info',
    MR_PROCESSORS_PORT: '0',
    MR_COMMIT_INTERVAL: '300ms',
    MR_OUT_OF_ORDER: '2s',
    MR_WINDOW_GRACE: '10s',
    MR_IDLE_TIMEOUT: '3s',
    MR_MIN_FREE_DISK_MB: '100',
    MR_KAFKA_SESSION_TIMEOUT: `${sessionTimeoutMs}ms`,
    MR_STANDBYS: String(withStandbys),
  };
}

export async function openStage(options: StageOptions): Promise<Stage> {
  const { dir, note } = options;
  const stack = join(dir, 'stack');
  const [brokers, redis, clickhouse] = [
    new Servers('kafka', stack, BROKERS),
    new Servers('redis', stack),
    new Servers('clickhouse', stack),
  ];
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    await Promise.all(closers.map((closer) => closer()));
    await Promise.all([brokers.down(), redis.down(), clickhouse.down()]);
  };
  try {
    note('starting three brokers, Redis and ClickHouse');
    const started = await Promise.all([brokers.up(), redis.up(), clickhouse.up()]);
    const direct = { ...started[0], ...started[1], ...started[2], ...processorSettings(options) };
    const config = parseConfig(direct);
    await makeTopics(config, dir);
    const stores = { redis: await behindLink(redis), clickhouse: await behindLink(clickhouse) };
    closers.push(
      () => stores.redis.link.close(),
      () => stores.clickhouse.link.close(),
    );
    const settings = {
      ...direct,
      MR_REDIS_URL: `redis://127.0.0.1:${stores.redis.link.port}`,
      MR_CLICKHOUSE_URL: `http://127.0.0.1:${stores.clickhouse.link.port}`,
    };
    const brokerPorts = (await brokers.list()).map(({ port }) => port);
    const processors = new Set<Processor>();
    const exits = { count: 0 };
    const addProcessor = joiner({ options, settings, brokerPorts, exits, processors, closers });
    note(`starting ${options.instances} processors and the producer`);
    for (let n = 0; n < options.instances; n++) await addProcessor();
    const producer = await startProducer(options, brokerPorts);
    closers.push(() => producer.kill());
    return { brokers, ...stores, processors, producer, config, exits, join: addProcessor, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function behindLink(servers: Servers): Promise<Store> {
  const [service] = await servers.list();
  return { servers, link: await openLink({ target: service?.port ?? 0 }) };
}

async function startProducer(
  { dir, seed, ratePerSecond }: StageOptions,
  brokerPorts: readonly number[],
): Promise<Producer> {
  const book = join(dir, 'book');
  await mkdir(book, { recursive: true });
  const brokers = brokerPorts.map((port) => `127.0.0.1:${port}`);
  return new Producer({ dir: book, brokers, namespace: NAMESPACE, seed, ratePerSecond }, dir);
}

/** Before the processors do it themselves: the producer starts beside them. */
async function makeTopics(config: Config, dataDir: string): Promise<void> {
  const kafka = await openKafka({ config: config.kafka, dataDir, clientId: 'chaos', log: silentLogger() });
  try {
    await retry(() => ensureTopics(config, kafka), {
      initialDelayMs: 500,
      maxDelayMs: 2000,
      giveUpAfterMs: 60_000,
    });
  } finally {
    await kafka.close();
  }
}

interface Joining {
  readonly options: StageOptions;
  readonly settings: Readonly<Record<string, string>>;
  readonly brokerPorts: readonly number[];
  readonly exits: { count: number };
  readonly processors: Set<Processor>;
  readonly closers: (() => Promise<void>)[];
}

function joiner({
  options,
  settings,
  brokerPorts,
  exits,
  processors,
  closers,
}: Joining): () => Promise<Processor> {
  const { dir, findings, note } = options;
  let made = 0;
  return async () => {
    const processor = await Processor.start({
      ...{ name: `processor-${++made}`, dir, brokerPorts, settings },
      onExit: ({ name, code }) => {
        exits.count += 1;
        note(`${name} ended by itself with ${code ?? 'a signal'}; it is started again`);
        if (isBug(code)) findings.add('process', `${name} met a bug: see ${join(dir, name, 'log')}`);
      },
      onStuck: (name) => findings.add('process', `${name} did not end within 40 s of SIGTERM`),
    });
    closers.push(() => processor.kill());
    processors.add(processor);
    return processor;
  };
}
