import { CLICKHOUSE_READER, STACK_USER } from './credentials.ts';
import { postgresUrl } from './postgres-server.ts';
import { serverUrl, type StackAccess } from './servers.ts';
import type { StackService, StackServiceKind, StackState } from './state.ts';

/** Where the servers answer; empty for a service that does not run. */
export interface StackEndpoints {
  /** Value of MR_KAFKA_BROKERS. */
  readonly brokers: string;
  /** Value of MR_REDIS_URL, password included. */
  readonly redisUrl: string;
  /** Every setting by which a process of Millrace works with these servers; some are secrets. */
  readonly settings: Readonly<Record<string, string>>;
}

export function stackEndpoints(state: StackState, access: StackAccess, caFile: string): StackEndpoints {
  const of = (kind: StackServiceKind) => state.services.filter((service) => service.kind === kind);
  const brokers = of('kafka')
    .map((service) => serverUrl(service))
    .join(',');
  const settings: Record<string, string> = {};
  for (const service of state.services) Object.assign(settings, settingsOf(service, access, caFile));
  if (brokers !== '') settings['MR_KAFKA_BROKERS'] = brokers;
  return { brokers, redisUrl: settings['MR_REDIS_URL'] ?? '', settings };
}

function settingsOf(service: StackService, access: StackAccess, caFile: string): Record<string, string> {
  const { credentials, secure } = access;
  const { kind, port, tls } = service;
  switch (kind) {
    case 'kafka':
      if (!secure) return {};
      return {
        MR_KAFKA_TLS: 'true',
        MR_KAFKA_CA_FILE: caFile,
        MR_KAFKA_SASL: 'scram-sha-512',
        MR_KAFKA_USER: STACK_USER,
        MR_KAFKA_PASSWORD: credentials.kafka,
      };
    case 'redis': {
      const url = serverUrl(service);
      return {
        MR_REDIS_URL: secure ? url.replace('://', `://:${credentials.redis}@`) : url,
        ...(tls ? { MR_REDIS_CA_FILE: caFile } : {}),
      };
    }
    case 'postgres':
      return {
        MR_POSTGRES_URL: postgresUrl({
          port,
          user: STACK_USER,
          password: credentials.postgres,
          database: STACK_USER,
        }),
        ...(tls ? { MR_POSTGRES_CA_FILE: caFile } : {}),
      };
    case 'clickhouse':
      return {
        MR_CLICKHOUSE_URL: serverUrl(service),
        MR_CLICKHOUSE_USER: STACK_USER,
        MR_CLICKHOUSE_PASSWORD: credentials.clickhouse,
        MR_CLICKHOUSE_READONLY_USER: CLICKHOUSE_READER,
        MR_CLICKHOUSE_READONLY_PASSWORD: credentials.clickhouseReader,
      };
  }
}

/** Lines for `eval "$(millrace stack up)"` in a POSIX shell. */
export function exportLines(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, value]) => `export ${name}=${shellWord(value)}`);
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
