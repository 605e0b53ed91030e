import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { createChdbConnection } from 'chdb/connection';
import { openClickHouse } from '../../platform/clickhouse/open.ts';
import { Secret } from '../../platform/config.ts';
import { openKafka } from '../../platform/kafka/index.ts';
import { createLogger, type Logger } from '../../platform/log.ts';
import { spawnClickHouse } from '../../test/harness/spawn-clickhouse.ts';
import { writeReport } from '../report.ts';
import { median, ratio, type Rounds } from '../rounds.ts';
import { benchInserts } from './clickhouse.ts';
import { BATCH, benchEmbeddedLog, benchRealKafka, SENDS_IN_FLIGHT, VALUE_BYTES } from './log.ts';
import { benchLmdb, benchRedis } from './online-store.ts';

export interface EnginesBenchOptions {
  readonly brokers: readonly string[];
  readonly redisUrl: string;
  /** Records of one round of the logs; the other subjects follow from it. */
  readonly records: number;
  readonly rounds: number;
  readonly note: (line: string) => void;
}

/** Medians by contestant, and the ratio of the first to the second where there are two. */
type Summary = Readonly<Record<string, number>>;

interface Subject {
  readonly unit: string;
  readonly rounds: Readonly<Record<string, Rounds<string>>>;
}

/** Runs the benchmark of bench/engines/README.md; the answer is the line that the command prints. */
export async function benchEngines(
  options: EnginesBenchOptions,
): Promise<Record<string, Record<string, Summary>>> {
  const { note, records, rounds } = options;
  const log = createLogger('warn', 'bench');
  const dir = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const subjects: Record<string, Subject> = {};
  const add = (name: string, unit: string, result: Readonly<Record<string, Rounds<string>>>) => {
    subjects[name] = { unit, rounds: result };
    note(`${name}: ${JSON.stringify(summaries(result))}`);
  };
  try {
    add('embeddedLog', 'records/s', { ...(await embeddedLog(dir, log, { records, rounds })) });
    add('kafka', 'records/s', { ...(await realKafka(dir, log, options)) });
    const store = { operations: records, rounds, dataDir: dir, log };
    add('lmdb', 'keys/s', { ...(await benchLmdb(store)) });
    add('redis', 'keys/s', { ...(await benchRedis(options.redisUrl, store)) });
    const inserts = { rows: Math.max(10_000, Math.round(records / 50_000) * 10_000), rounds, log };
    add('clickhouseInProcess', 'rows/s', { insert: await inProcess(dir, log, inserts) });
    add('clickhouseHttp', 'rows/s', { insert: await overHttp(dir, log, inserts) });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  const shape = { records, rounds, batch: BATCH, valueBytes: VALUE_BYTES, sendsInFlight: SENDS_IN_FLIGHT };
  await writeReport('engines', { kafkajs: '2.2.4', chdb: '3.4.0' }, { ...shape, subjects });
  return Object.fromEntries(
    Object.entries(subjects).map(([name, subject]) => [name, summaries(subject.rounds)]),
  );
}

function summaries(operations: Readonly<Record<string, Rounds<string>>>): Record<string, Summary> {
  return Object.fromEntries(
    Object.entries(operations).map(([operation, rates]) => {
      const medians = Object.entries(rates).map(
        ([name, values]) => [name, Math.round(median(values))] as const,
      );
      const [ours, peer] = Object.values(rates);
      const compared = ours === undefined || peer === undefined ? {} : { ratio: ratio(ours, peer) };
      return [operation, { ...Object.fromEntries(medians), ...compared }];
    }),
  );
}

interface Load {
  readonly records: number;
  readonly rounds: number;
}

async function embeddedLog(dir: string, log: Logger, load: Load) {
  const kafka = await openKafka({ config: { brokers: [] }, dataDir: dir, clientId: 'bench', log });
  try {
    return await benchEmbeddedLog(kafka, load);
  } finally {
    await kafka.close();
  }
}

async function realKafka(dir: string, log: Logger, { brokers, records, rounds }: EnginesBenchOptions) {
  const kafka = await openKafka({ config: { brokers }, dataDir: dir, clientId: 'bench', log });
  try {
    return await benchRealKafka(kafka, brokers, { records, rounds });
  } finally {
    await kafka.close();
  }
}

interface Inserts {
  readonly rows: number;
  readonly rounds: number;
  readonly log: Logger;
}

async function inProcess(dir: string, log: Logger, load: Inserts): Promise<Rounds<string>> {
  const config = { url: undefined, user: 'default', password: new Secret(''), database: 'bench' };
  const port = await openClickHouse({ config, dataDir: dir, log });
  const raw = createClient({
    connection: createChdbConnection({ path: join(dir, 'clickhouse') }),
    log: { level: ClickHouseLogLevel.OFF },
  });
  try {
    return await benchInserts(port, raw, load);
  } finally {
    await raw.close();
    await port.close();
  }
}

async function overHttp(dir: string, log: Logger, load: Inserts): Promise<Rounds<string>> {
  const server = await spawnClickHouse({ dataDir: join(dir, 'server') });
  const { url, user, password } = server;
  const port = await openClickHouse({
    config: { url, user, password: new Secret(password), database: 'bench' },
    dataDir: dir,
    log,
  });
  const raw = createClient({ url, username: user, password, log: { level: ClickHouseLogLevel.OFF } });
  try {
    return await benchInserts(port, raw, load);
  } finally {
    await raw.close();
    await port.close();
    await server.stop();
  }
}
