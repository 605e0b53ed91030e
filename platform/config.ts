/**
 * The one place that reads the environment. `loadConfig` parses it once, names every fault in one message and returns
 * a frozen value; each module is given its slice. .env.example is generated from SETTINGS (`npm run generate`).
 */
import type { z } from 'zod';
import { MillraceError } from './errors.ts';
import { Secret, SETTINGS, type SettingName } from './settings.ts';

export { parseDuration, Secret, SETTINGS } from './settings.ts';

type Parsed = { [Name in SettingName]: z.output<(typeof SETTINGS)[Name]['schema']> };

export interface KafkaConfig {
  /** Empty: embedded. */
  readonly brokers: readonly string[];
  /** Absent: plain TCP. Paths of PEM files; without `caFile`, the authorities that Node.js knows. */
  readonly tls?:
    | {
        readonly caFile: string | undefined;
        readonly certFile: string | undefined;
        readonly keyFile: string | undefined;
      }
    | undefined;
  /** Absent: no log-in. */
  readonly sasl?:
    | {
        readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
        readonly user: string;
        readonly password: Secret;
      }
    | undefined;
  /** Silence after which a member of a consumer group is expelled; 15 s where absent. */
  readonly sessionTimeoutMs?: number;
}

export interface ClickHouseConfig {
  /** Absent: in process. */
  readonly url: string | undefined;
  readonly user: string;
  readonly password: Secret;
  /** Namespace included. */
  readonly database: string;
  readonly caFile?: string | undefined;
}

/** Of `millrace clickhouse`, which serves the engine in process; its full user is that of {@link ClickHouseConfig}. */
export interface ClickHouseServerConfig {
  readonly port: number;
  readonly readOnlyUser: string;
  /** Absent: nobody logs in to read only. */
  readonly readOnlyPassword: Secret | undefined;
}

export interface RedisConfig {
  /** Absent: LMDB. */
  readonly url: Secret | undefined;
  readonly isCluster?: boolean;
  readonly caFile?: string | undefined;
}

export interface PostgresConfig {
  /** Absent: PGlite. */
  readonly url: Secret | undefined;
  readonly caFile: string | undefined;
  readonly poolSize: number;
}

export interface ProcessingConfig {
  readonly commitIntervalMs: number;
  /** 0: the auditor runs on demand only. */
  readonly auditIntervalMs: number;
  readonly onlineFlushIntervalMs: number;
  readonly outOfOrderMs: number;
  readonly graceMs: number;
  readonly idleTimeoutMs: number;
  readonly stateMemoryBytes: number;
  readonly guarantee: 'exactly-once' | 'at-least-once';
  readonly withStandbys: boolean;
  readonly stepTimeoutMs: number;
  /** Event time that a task may be ahead of the slowest; 0 sets no limit. */
  readonly maxDriftMs: number;
  readonly parcelSilenceMs: number;
  readonly cardBurstCount: number;
  readonly cardBurstWindowMs: number;
  /** IANA name. */
  readonly shopTimeZone: string;
  /** Event time after which an order that waits for a step counts as stuck. */
  readonly orderLimits: {
    readonly paymentMs: number;
    readonly reviewMs: number;
    readonly captureMs: number;
    readonly shipMs: number;
    /** From the first scan, where no time was promised. */
    readonly deliveryMs: number;
    readonly refundMs: number;
  };
}

export interface Config {
  readonly dataDir: string;
  readonly namespace: string;
  readonly logLevel: Parsed['MR_LOG_LEVEL'];
  readonly minFreeDiskMb: number;
  readonly kafka: KafkaConfig;
  readonly clickhouse: ClickHouseConfig;
  readonly clickhouseServer: ClickHouseServerConfig;
  readonly redis: RedisConfig;
  readonly postgres: PostgresConfig;
  readonly httpHost: string;
  readonly ingest: {
    readonly port: number;
    readonly keys: readonly Secret[];
    readonly maxBodyBytes: number;
    readonly maxEvents: number;
  };
  readonly serving: { readonly port: number; readonly keys: readonly Secret[] };
  readonly processorsPort: number;
  readonly processing: ProcessingConfig;
}

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

/** Faults of settings that are right in themselves; those that are not are absent here. */
function crossFaults(parsed: Partial<Parsed>): string[] {
  const faults: string[] = [];
  const { MR_HTTP_HOST: host, MR_CLICKHOUSE_URL: clickhouseUrl } = parsed;
  if (host !== undefined && !LOOPBACK.has(host) && parsed.MR_SERVING_KEYS?.length === 0) {
    faults.push('MR_SERVING_KEYS: needed when MR_HTTP_HOST is not a loopback address');
  }
  if (clickhouseUrl !== undefined && /^https?:\/\/[^/]*@/.test(clickhouseUrl)) {
    faults.push(
      'MR_CLICKHOUSE_URL: credentials belong into MR_CLICKHOUSE_USER and MR_CLICKHOUSE_PASSWORD, where no log shows them',
    );
  }
  for (const name of ['MR_INGEST_KEYS', 'MR_SERVING_KEYS'] as const) {
    if (parsed[name]?.some((key) => key.reveal().length < 16))
      faults.push(`${name}: a key needs 16 characters or more`);
  }
  faults.push(...kafkaFaults(parsed));
  for (const broker of parsed.MR_KAFKA_BROKERS ?? []) {
    if (!/^[^:\s]+:\d{1,5}$/.test(broker)) faults.push(`MR_KAFKA_BROKERS: "${broker}" is not host:port`);
  }
  return faults;
}

function kafkaFaults(parsed: Partial<Parsed>): string[] {
  const faults: string[] = [];
  const isGiven = (name: SettingName) => parsed[name] !== undefined;
  if (parsed.MR_KAFKA_SASL !== undefined) {
    for (const name of ['MR_KAFKA_USER', 'MR_KAFKA_PASSWORD'] as const)
      if (!isGiven(name)) faults.push(`${name}: needed with MR_KAFKA_SASL`);
  }
  if (parsed.MR_KAFKA_TLS === false) {
    for (const name of ['MR_KAFKA_CA_FILE', 'MR_KAFKA_CERT_FILE', 'MR_KAFKA_KEY_FILE'] as const)
      if (isGiven(name)) faults.push(`${name}: has no effect without MR_KAFKA_TLS=true`);
  }
  if (isGiven('MR_KAFKA_CERT_FILE') !== isGiven('MR_KAFKA_KEY_FILE'))
    faults.push('MR_KAFKA_CERT_FILE and MR_KAFKA_KEY_FILE: needed together');
  return faults;
}

/**
 * Parses and checks the settings.
 * @throws MillraceError MR_CONFIG_INVALID with every fault in one message; values of secrets are never shown.
 */
export function parseConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const faults: string[] = [];
  for (const name of Object.keys(environment)) {
    if (name.startsWith('MR_') && !name.startsWith('MR_TEST_') && !(name in SETTINGS))
      faults.push(`${name}: no such setting`);
  }
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const raw = environment[name];
    const result = setting.schema.safeParse(raw === '' ? undefined : raw);
    if (result.success) values[name] = result.data;
    else faults.push(`${name}: ${result.error.issues.map((issue) => issue.message).join(', ')}`);
  }
  faults.push(...crossFaults(values));
  if (faults.length > 0) {
    throw new MillraceError(
      'MR_CONFIG_INVALID',
      `The configuration has ${faults.length} fault(s):\n  ${faults.join('\n  ')}`,
      {
        context: { faults },
      },
    );
  }
  return freeze(toConfig(values as Parsed));
}

type Settings = Partial<Record<SettingName, string>>;

/**
 * {@link parseConfig} of this process's environment.
 *
 * @param overrides what the command line says: stronger than the environment
 * @param defaults what a command assumes: weaker than the environment
 */
export function loadConfig(overrides: Settings = {}, defaults: Settings = {}): Config {
  return parseConfig({ ...defaults, ...process.env, ...overrides });
}

function kafkaConfig(p: Parsed): KafkaConfig {
  const { MR_KAFKA_SASL: mechanism, MR_KAFKA_USER: user, MR_KAFKA_PASSWORD: password } = p;
  return {
    brokers: p.MR_KAFKA_BROKERS,
    sessionTimeoutMs: p.MR_KAFKA_SESSION_TIMEOUT,
    tls: p.MR_KAFKA_TLS
      ? { caFile: p.MR_KAFKA_CA_FILE, certFile: p.MR_KAFKA_CERT_FILE, keyFile: p.MR_KAFKA_KEY_FILE }
      : undefined,
    sasl:
      mechanism === undefined || user === undefined || password === undefined
        ? undefined
        : { mechanism, user, password },
  };
}

function toConfig(p: Parsed): Config {
  const suffix = p.MR_NAMESPACE === '' ? '' : `_${p.MR_NAMESPACE.replaceAll('-', '_')}`;
  return {
    dataDir: p.MR_DATA_DIR,
    namespace: p.MR_NAMESPACE,
    logLevel: p.MR_LOG_LEVEL,
    minFreeDiskMb: p.MR_MIN_FREE_DISK_MB,
    kafka: kafkaConfig(p),
    clickhouse: {
      url: p.MR_CLICKHOUSE_URL,
      user: p.MR_CLICKHOUSE_USER,
      password: p.MR_CLICKHOUSE_PASSWORD,
      database: `${p.MR_CLICKHOUSE_DATABASE}${suffix}`,
      caFile: p.MR_CLICKHOUSE_CA_FILE,
    },
    clickhouseServer: {
      port: p.MR_CLICKHOUSE_PORT,
      readOnlyUser: p.MR_CLICKHOUSE_READONLY_USER,
      readOnlyPassword: p.MR_CLICKHOUSE_READONLY_PASSWORD,
    },
    redis: { url: p.MR_REDIS_URL, isCluster: p.MR_REDIS_CLUSTER, caFile: p.MR_REDIS_CA_FILE },
    postgres: { url: p.MR_POSTGRES_URL, caFile: p.MR_POSTGRES_CA_FILE, poolSize: p.MR_POSTGRES_POOL_SIZE },
    httpHost: p.MR_HTTP_HOST,
    ingest: {
      port: p.MR_INGEST_PORT,
      keys: p.MR_INGEST_KEYS,
      maxBodyBytes: p.MR_INGEST_MAX_BODY_BYTES,
      maxEvents: p.MR_INGEST_MAX_EVENTS,
    },
    serving: { port: p.MR_SERVING_PORT, keys: p.MR_SERVING_KEYS },
    processorsPort: p.MR_PROCESSORS_PORT,
    processing: {
      commitIntervalMs: p.MR_COMMIT_INTERVAL,
      auditIntervalMs: p.MR_AUDIT_INTERVAL,
      onlineFlushIntervalMs: p.MR_ONLINE_FLUSH_INTERVAL,
      outOfOrderMs: p.MR_OUT_OF_ORDER,
      graceMs: p.MR_WINDOW_GRACE,
      idleTimeoutMs: p.MR_IDLE_TIMEOUT,
      maxDriftMs: p.MR_WATERMARK_DRIFT,
      stateMemoryBytes: p.MR_STATE_MEMORY_MB * 1024 * 1024,
      guarantee: p.MR_GUARANTEE,
      withStandbys: p.MR_STANDBYS,
      stepTimeoutMs: p.MR_STEP_TIMEOUT,
      parcelSilenceMs: p.MR_PARCEL_SILENCE,
      cardBurstCount: p.MR_CARD_BURST_COUNT,
      cardBurstWindowMs: p.MR_CARD_BURST_WINDOW,
      shopTimeZone: p.MR_SHOP_TIME_ZONE,
      orderLimits: {
        paymentMs: p.MR_ORDER_PAYMENT_LIMIT,
        reviewMs: p.MR_ORDER_REVIEW_LIMIT,
        captureMs: p.MR_ORDER_CAPTURE_LIMIT,
        shipMs: p.MR_ORDER_SHIP_LIMIT,
        deliveryMs: p.MR_ORDER_DELIVERY_LIMIT,
        refundMs: p.MR_ORDER_REFUND_LIMIT,
      },
    },
  };
}

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null && !(part instanceof Secret)) freeze(part as object);
  }
  return Object.freeze(value);
}

/** The text of .env.example. */
export function envExample(): string {
  const lines = [
    '# Every setting of Millrace. Generated by `npm run generate`; copy to .env and uncomment what you change.',
  ];
  for (const [name, setting] of Object.entries(SETTINGS))
    lines.push('', `# ${setting.about}`, `#${name}=${setting.example}`);
  return `${lines.join('\n')}\n`;
}
