/**
 * The one place that reads the environment. `loadConfig` parses it once, names every fault in one message and returns
 * a frozen value; each module is given its slice. .env.example is generated from SETTINGS (`npm run generate`).
 */
import { z } from 'zod';
import { MillraceError } from './errors.ts';

/** A value that JSON, templates and loggers cannot show. */
export class Secret {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  /** The text itself; call it only where it leaves the process on purpose. */
  reveal(): string {
    return this.#value;
  }
  toString(): string {
    return '[secret]';
  }
  toJSON(): string {
    return '[secret]';
  }
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `250ms`, `10s`, `5m`, `24h`, `7d` as milliseconds; null where the text is no duration. */
export function parseDuration(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  const unit = match?.[2];
  if (match?.[1] === undefined || unit === undefined) return null;
  return Math.round(Number(match[1]) * (UNIT_MS[unit] ?? 1));
}

const duration = (fallback: string, minMs: number, maxMs: number) =>
  z
    .string()
    .default(fallback)
    .transform((text, ctx) => {
      const ms = parseDuration(text);
      if (ms === null || ms < minMs || ms > maxMs) {
        ctx.addIssue({
          code: 'custom',
          message: `needs a duration from ${minMs} ms to ${maxMs} ms, such as ${fallback}`,
        });
        return z.NEVER;
      }
      return ms;
    });

const integer = (fallback: number, min: number, max: number) =>
  z.coerce.number({ error: 'needs a whole number' }).int().min(min).max(max).default(fallback);

const list = z
  .string()
  .optional()
  .transform((text) =>
    (text ?? '')
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );

const secretList = list.transform((parts) => parts.map((part) => new Secret(part)));
const url = (protocols: RegExp) => z.url({ protocol: protocols }).optional();
const port = (fallback: number) => integer(fallback, 0, 65_535);

interface Setting {
  readonly schema: z.ZodType;
  readonly about: string;
  readonly example: string;
}

/** Every setting by variable name, in the order of .env.example. */
export const SETTINGS = {
  MR_DATA_DIR: {
    schema: z.string().min(1).default('.millrace/data'),
    about: 'Folder of the embedded engines (log, ClickHouse, online store).',
    example: '.millrace/data',
  },
  MR_NAMESPACE: {
    schema: z
      .string()
      .regex(/^[a-z0-9-]{0,40}$/, 'needs a-z, 0-9 and -, at most 40')
      .default(''),
    about: 'Prefix of topics, database, keys and group: runs several shops or replays side by side.',
    example: '',
  },
  MR_LOG_LEVEL: {
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
    about: 'Lowest level that is logged.',
    example: 'info',
  },
  MR_KAFKA_BROKERS: {
    schema: list,
    about: 'Brokers as host:port, separated by commas. Empty: the embedded log.',
    example: '127.0.0.1:9092',
  },
  MR_CLICKHOUSE_URL: {
    schema: url(/^https?$/),
    about: 'ClickHouse over HTTP, without credentials. Empty: the engine in process (chdb).',
    example: 'http://127.0.0.1:8123',
  },
  MR_CLICKHOUSE_USER: {
    schema: z.string().default('default'),
    about: 'ClickHouse user.',
    example: 'default',
  },
  MR_CLICKHOUSE_PASSWORD: {
    schema: z
      .string()
      .default('')
      .transform((text) => new Secret(text)),
    about: 'ClickHouse password.',
    example: '',
  },
  MR_CLICKHOUSE_DATABASE: {
    schema: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,60}$/)
      .default('millrace'),
    about: 'Database of the shop; a namespace adds its name.',
    example: 'millrace',
  },
  MR_REDIS_URL: {
    schema: z
      .url({ protocol: /^rediss?$/ })
      .optional()
      .transform((text) => (text === undefined ? undefined : new Secret(text))),
    about: 'Redis or Valkey, credentials included. Empty: the online store in process (LMDB).',
    example: 'redis://127.0.0.1:6379',
  },
  MR_HTTP_HOST: {
    schema: z.string().default('127.0.0.1'),
    about: 'Address that the HTTP servers bind to. Beyond loopback, MR_SERVING_KEYS is needed.',
    example: '127.0.0.1',
  },
  MR_SERVING_PORT: {
    schema: port(8080),
    about: 'Port of the recommendations API and the console; 0 picks a free one.',
    example: '8080',
  },
  MR_INGEST_PORT: {
    schema: port(8081),
    about: 'Port of the event collector; 0 picks a free one.',
    example: '8081',
  },
  MR_PROCESSORS_PORT: {
    schema: port(8082),
    about: 'Port of health and metrics of the processors; 0 picks a free one.',
    example: '8082',
  },
  MR_INGEST_KEYS: {
    schema: secretList,
    about:
      'Keys that may send events, separated by commas, 16 characters or more. Empty: one is made in the data folder.',
    example: '',
  },
  MR_SERVING_KEYS: {
    schema: secretList,
    about: 'Keys that may read recommendations. Empty: no key is asked, on loopback only.',
    example: '',
  },
  MR_INGEST_MAX_BODY_BYTES: {
    schema: integer(1_048_576, 1024, 67_108_864),
    about: 'Largest request body.',
    example: '1048576',
  },
  MR_INGEST_MAX_EVENTS: {
    schema: integer(1000, 1, 100_000),
    about: 'Most events in one request.',
    example: '1000',
  },
  MR_COMMIT_INTERVAL: {
    schema: duration('1s', 20, 60_000),
    about: 'Time between commits of a task: facts, state, outputs and offsets.',
    example: '1s',
  },
  MR_ONLINE_FLUSH_INTERVAL: {
    schema: duration('50ms', 5, 10_000),
    about: 'Longest time that a changed history or list waits before it is written to the online store.',
    example: '50ms',
  },
  MR_OUT_OF_ORDER: {
    schema: duration('5s', 0, 3_600_000),
    about: 'How far events may arrive out of order before they count as late: the lag of the watermark.',
    example: '5s',
  },
  MR_WINDOW_GRACE: {
    schema: duration('30s', 0, 86_400_000),
    about: 'How long after its end, in event time, a window still takes events.',
    example: '30s',
  },
  MR_IDLE_TIMEOUT: {
    schema: duration('5s', 100, 3_600_000),
    about: 'Silence after which a caught-up partition no longer holds the watermark back.',
    example: '5s',
  },
  MR_PARCEL_SILENCE: {
    schema: duration('24h', 100, 30 * 86_400_000),
    about: 'Time without a scan after which a parcel that is under way raises an alert.',
    example: '24h',
  },
  MR_CARD_BURST_COUNT: {
    schema: integer(5, 2, 1000),
    about: 'Payments with one card within MR_CARD_BURST_WINDOW that raise an alert.',
    example: '5',
  },
  MR_CARD_BURST_WINDOW: {
    schema: duration('5m', 1000, 86_400_000),
    about: 'Event time in which the payments of a card are counted.',
    example: '5m',
  },
  MR_MIN_FREE_DISK_MB: {
    schema: integer(1024, 0, 10_000_000),
    about: 'Free space the data folder needs at start.',
    example: '1024',
  },
} as const satisfies Record<string, Setting>;

type SettingName = keyof typeof SETTINGS;
type Parsed = { [Name in SettingName]: z.output<(typeof SETTINGS)[Name]['schema']> };

export interface KafkaConfig {
  /** Empty: embedded. */
  readonly brokers: readonly string[];
}

export interface ClickHouseConfig {
  /** Absent: in process. */
  readonly url: string | undefined;
  readonly user: string;
  readonly password: Secret;
  /** Namespace included. */
  readonly database: string;
}

export interface ProcessingConfig {
  readonly commitIntervalMs: number;
  readonly onlineFlushIntervalMs: number;
  readonly outOfOrderMs: number;
  readonly graceMs: number;
  readonly idleTimeoutMs: number;
  readonly parcelSilenceMs: number;
  readonly cardBurstCount: number;
  readonly cardBurstWindowMs: number;
}

export interface Config {
  readonly dataDir: string;
  readonly namespace: string;
  readonly logLevel: Parsed['MR_LOG_LEVEL'];
  readonly minFreeDiskMb: number;
  readonly kafka: KafkaConfig;
  readonly clickhouse: ClickHouseConfig;
  /** Absent: LMDB. */
  readonly redisUrl: Secret | undefined;
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
  for (const broker of parsed.MR_KAFKA_BROKERS ?? []) {
    if (!/^[^:\s]+:\d{1,5}$/.test(broker)) faults.push(`MR_KAFKA_BROKERS: "${broker}" is not host:port`);
  }
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

function toConfig(p: Parsed): Config {
  const suffix = p.MR_NAMESPACE === '' ? '' : `_${p.MR_NAMESPACE.replaceAll('-', '_')}`;
  return {
    dataDir: p.MR_DATA_DIR,
    namespace: p.MR_NAMESPACE,
    logLevel: p.MR_LOG_LEVEL,
    minFreeDiskMb: p.MR_MIN_FREE_DISK_MB,
    kafka: { brokers: p.MR_KAFKA_BROKERS },
    clickhouse: {
      url: p.MR_CLICKHOUSE_URL,
      user: p.MR_CLICKHOUSE_USER,
      password: p.MR_CLICKHOUSE_PASSWORD,
      database: `${p.MR_CLICKHOUSE_DATABASE}${suffix}`,
    },
    redisUrl: p.MR_REDIS_URL,
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
      onlineFlushIntervalMs: p.MR_ONLINE_FLUSH_INTERVAL,
      outOfOrderMs: p.MR_OUT_OF_ORDER,
      graceMs: p.MR_WINDOW_GRACE,
      idleTimeoutMs: p.MR_IDLE_TIMEOUT,
      parcelSilenceMs: p.MR_PARCEL_SILENCE,
      cardBurstCount: p.MR_CARD_BURST_COUNT,
      cardBurstWindowMs: p.MR_CARD_BURST_WINDOW,
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
