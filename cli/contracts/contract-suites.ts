/** Which tests hold an engine to its port, and how many of them passed. */

/** The part of vitest's JSON report that is read. */
export interface TestReport {
  readonly testResults: readonly {
    /** Absolute path of the file. */
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly ancestorTitles: readonly string[];
    }[];
  }[];
}

export interface ContractSuite {
  readonly port: 'kafka' | 'onlineStore' | 'clickhouse' | 'postgres';
  readonly engine: string;
  /** The test file that opens the engine for the suite. */
  readonly file: string;
}

/** How the titles of the contract suites begin; what else such a file tests belongs to its engine alone. */
const CONTRACT_TITLES =
  /^(Kafka port|online store port|ClickHouse port|migrations|batch writer|PostgreSQL (contract|coordination|migrations)): /;

export const CONTRACT_SUITES: readonly ContractSuite[] = [
  { port: 'kafka', engine: 'real', file: 'platform/kafka/kafkajs/kafkajs.integration.test.ts' },
  { port: 'kafka', engine: 'embedded', file: 'platform/kafka/embedded/embedded-log.embedded.test.ts' },
  { port: 'onlineStore', engine: 'redis', file: 'platform/online-store/redis.integration.test.ts' },
  { port: 'onlineStore', engine: 'lmdb', file: 'platform/online-store/lmdb.embedded.test.ts' },
  { port: 'clickhouse', engine: 'http', file: 'platform/clickhouse/clickhouse.integration.test.ts' },
  { port: 'clickhouse', engine: 'inProcess', file: 'platform/clickhouse/clickhouse.embedded.test.ts' },
  { port: 'postgres', engine: 'server', file: 'platform/postgres/postgres.integration.test.ts' },
  { port: 'postgres', engine: 'inProcess', file: 'platform/postgres/postgres.embedded.test.ts' },
];

export type ContractResult = Record<ContractSuite['port'], Record<string, number>> & {
  failed: number;
  skipped: number;
};

/** Counts the contract tests that passed, by port and engine. A suite whose file did not run counts as one failure. */
export function countContracts(
  reports: readonly TestReport[],
  suites: readonly ContractSuite[] = CONTRACT_SUITES,
): ContractResult {
  const files = reports.flatMap((report) => report.testResults);
  const result: ContractResult = {
    kafka: {},
    onlineStore: {},
    clickhouse: {},
    postgres: {},
    failed: 0,
    skipped: 0,
  };
  for (const { port, engine, file } of suites) {
    const found = files.find(({ name }) => name.endsWith(`/${file}`));
    const tests = (found?.assertionResults ?? []).filter(({ ancestorTitles }) =>
      ancestorTitles.some((title) => CONTRACT_TITLES.test(title)),
    );
    const count = (status: string) => tests.filter((test) => test.status === status).length;
    const failed = count('failed');
    result[port][engine] = (result[port][engine] ?? 0) + count('passed');
    result.failed += failed === 0 && (tests.length === 0 || found?.status === 'failed') ? 1 : failed;
    result.skipped += tests.length - count('passed') - failed;
  }
  return result;
}
