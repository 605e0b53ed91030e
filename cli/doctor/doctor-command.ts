import { join } from 'node:path';
import { openClickHouse } from '../../platform/clickhouse/open.ts';
import { loadConfig, type Config, type Secret } from '../../platform/config.ts';
import { openKafka } from '../../platform/kafka/index.ts';
import { silentLogger } from '../../platform/log.ts';
import { openOnlineStore } from '../../platform/online-store/index.ts';
import { openPostgres } from '../../platform/postgres/index.ts';
import { defineCommand } from '../command.ts';
import type { Check } from './check.ts';
import { checkCertificate, checkDataDir, checkMemory, checkNode, checkPort } from './machine.ts';
import { reportLines } from './report.ts';
import { checkSystems, type System } from './systems.ts';

const LEAST_NODE = '20.19.0';
const DEFAULT_TIMEOUT = '3s';

/** host:port of a URL, without its credentials. */
function hostOf(url: Secret | string): string {
  return new URL(typeof url === 'string' ? url : url.reveal()).host;
}

/** The four systems as the configuration names them. */
export function systemsOf(config: Config): readonly System[] {
  const { dataDir, kafka, clickhouse, redis, postgres } = config;
  const log = silentLogger();
  const embedded = (folder: string) => ({ kind: 'embedded' as const, where: join(dataDir, folder) });
  return [
    {
      name: 'kafka',
      ...(kafka.brokers.length > 0
        ? { kind: 'real' as const, where: kafka.brokers.join(',') }
        : embedded('log')),
      open: () => openKafka({ config: kafka, dataDir, clientId: 'millrace-doctor', log }),
    },
    {
      name: 'clickhouse',
      ...(clickhouse.url === undefined
        ? { ...embedded('clickhouse'), package: 'chdb/connection' }
        : { kind: 'real' as const, where: hostOf(clickhouse.url) }),
      open: () => openClickHouse({ config: clickhouse, dataDir, log }),
    },
    {
      name: 'redis',
      ...(redis.url === undefined
        ? { ...embedded('online-store'), package: 'lmdb' }
        : { kind: 'real' as const, where: hostOf(redis.url) }),
      open: () => openOnlineStore({ redis, dataDir, keyPrefix: 'mr:doctor:', log }),
    },
    {
      name: 'postgres',
      ...(postgres.url === undefined
        ? { ...embedded('postgres'), package: '@electric-sql/pglite' }
        : { kind: 'real' as const, where: hostOf(postgres.url) }),
      open: () => openPostgres({ config: postgres, dataDir, log }),
    },
  ];
}

async function machineChecks(config: Config, nowMs: number): Promise<readonly Check[]> {
  const certificates = [
    ['MR_KAFKA_CA_FILE', config.kafka.tls?.caFile],
    ['MR_KAFKA_CERT_FILE', config.kafka.tls?.certFile],
    ['MR_CLICKHOUSE_CA_FILE', config.clickhouse.caFile],
    ['MR_REDIS_CA_FILE', config.redis.caFile],
    ['MR_POSTGRES_CA_FILE', config.postgres.caFile],
  ] as const;
  return [
    checkNode(process.versions.node, LEAST_NODE),
    checkMemory(),
    await checkDataDir(config),
    await checkPort('MR_SERVING_PORT', config.httpHost, config.serving.port),
    await checkPort('MR_INGEST_PORT', config.httpHost, config.ingest.port),
    await checkPort('MR_PROCESSORS_PORT', config.httpHost, config.processorsPort),
    ...(config.clickhouse.url === undefined
      ? [await checkPort('MR_CLICKHOUSE_PORT', config.httpHost, config.clickhouseServer.port)]
      : []),
    ...certificates.flatMap(([setting, path]) =>
      path === undefined ? [] : [checkCertificate(setting, path, nowMs)],
    ),
  ];
}

export const doctorCommand = defineCommand({
  usage: '[--json] [--timeout 3s]',
  details:
    'Shows what each connection is (real or embedded), where it leads, which version answers and how fast, and what to\n' +
    'do where something is wrong. Changes nothing. Works beside a running demo or start on the same data folder, which\n' +
    'it asks through the control socket. Ends with 1 where a check failed.',
  options: {
    json: { type: 'boolean', about: 'one line of JSON instead of the table' },
    timeout: { type: 'duration', default: DEFAULT_TIMEOUT, about: 'longest wait for each system' },
  },
  positionals: { min: 0, max: 0 },
  examples: [
    ['doctor', 'look at everything that the environment configures'],
    ['doctor --json --timeout 500ms', 'for a script'],
  ],
  async run({ options, print }) {
    const config = loadConfig();
    const machine = await machineChecks(config, Date.now());
    const systems = await checkSystems(config, systemsOf(config), options.timeout);
    const checks = [...machine, ...systems];
    const failed = checks.filter(({ status }) => status === 'failed').length;
    if (options.json) print(JSON.stringify({ checks, failed }));
    else for (const line of reportLines(checks)) print(line);
    return failed === 0 ? 0 : 1;
  },
});
