/** Every setting of Millrace by variable name, with its bounds; config.ts reads them. */
import { z } from 'zod';

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
const flag = z
  .enum(['true', 'false'], { error: 'needs true or false' })
  .default('false')
  .transform((text) => text === 'true');
const secret = z
  .string()
  .optional()
  .transform((text) => (text === undefined ? undefined : new Secret(text)));
const secretUrl = (protocols: RegExp) =>
  z
    .url({ protocol: protocols })
    .optional()
    .transform((text) => (text === undefined ? undefined : new Secret(text)));
const file = z.string().min(1).optional();
const timeZone = z
  .string()
  .default('UTC')
  .refine((name) => isTimeZone(name), 'needs an IANA name such as Europe/Berlin');

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

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
  MR_KAFKA_TLS: {
    schema: flag,
    about: 'Whether the brokers speak TLS.',
    example: 'true',
  },
  MR_KAFKA_CA_FILE: {
    schema: file,
    about: 'PEM file of the authority that signed the certificates of the brokers. Empty: those of Node.js.',
    example: '/etc/millrace/kafka-ca.pem',
  },
  MR_KAFKA_CERT_FILE: {
    schema: file,
    about: 'PEM file of the certificate that this process shows to the brokers (mutual TLS).',
    example: '/etc/millrace/kafka-client.pem',
  },
  MR_KAFKA_KEY_FILE: {
    schema: file,
    about: 'PEM file of the private key of MR_KAFKA_CERT_FILE.',
    example: '/etc/millrace/kafka-client.key',
  },
  MR_KAFKA_SASL: {
    schema: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).optional(),
    about:
      'How this process logs in to the brokers: plain, scram-sha-256 or scram-sha-512. Empty: it does not.',
    example: 'scram-sha-512',
  },
  MR_KAFKA_USER: {
    schema: z.string().optional(),
    about: 'User of MR_KAFKA_SASL.',
    example: 'millrace',
  },
  MR_KAFKA_PASSWORD: {
    schema: secret,
    about: 'Password of MR_KAFKA_SASL.',
    example: 'change-me',
  },
  MR_KAFKA_SESSION_TIMEOUT: {
    schema: duration('15s', 3000, 1_800_000),
    about:
      'Silence after which the brokers give the tasks of a process to others: most of the time that a crash costs. The brokers have bounds of their own, 6 s and 30 min by default.',
    example: '15s',
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
  MR_CLICKHOUSE_CA_FILE: {
    schema: file,
    about: 'PEM file of the authority that signed the certificate of ClickHouse. Empty: those of Node.js.',
    example: '/etc/millrace/clickhouse-ca.pem',
  },
  MR_CLICKHOUSE_PORT: {
    schema: port(8123),
    about: 'Port on which `millrace clickhouse` serves the engine in process; 0 picks a free one.',
    example: '8123',
  },
  MR_CLICKHOUSE_READONLY_USER: {
    schema: z.string().min(1).default('reader'),
    about: 'User of `millrace clickhouse` who may only read, such as Grafana.',
    example: 'reader',
  },
  MR_CLICKHOUSE_READONLY_PASSWORD: {
    schema: secret,
    about: 'Password of MR_CLICKHOUSE_READONLY_USER. Empty: there is no such user.',
    example: '',
  },
  MR_REDIS_URL: {
    schema: secretUrl(/^rediss?$/),
    about:
      'Redis or Valkey, credentials included; rediss: is TLS. Empty: the online store in process (LMDB).',
    example: 'redis://127.0.0.1:6379',
  },
  MR_REDIS_CLUSTER: {
    schema: flag,
    about: 'Whether MR_REDIS_URL is a node of a Redis Cluster.',
    example: 'true',
  },
  MR_REDIS_CA_FILE: {
    schema: file,
    about: 'PEM file of the authority that signed the certificate of Redis. Empty: those of Node.js.',
    example: '/etc/millrace/redis-ca.pem',
  },
  MR_POSTGRES_URL: {
    schema: secretUrl(/^postgres(ql)?$/),
    about: 'PostgreSQL, credentials included. Empty: PostgreSQL in process (PGlite).',
    example: 'postgres://millrace@127.0.0.1:5432/millrace',
  },
  MR_POSTGRES_CA_FILE: {
    schema: file,
    about:
      'PEM file of the authority that signed the certificate of PostgreSQL; with it, the connection must be TLS.',
    example: '/etc/millrace/postgres-ca.pem',
  },
  MR_POSTGRES_POOL_SIZE: {
    schema: integer(10, 1, 200),
    about: 'Most connections of one process to PostgreSQL.',
    example: '10',
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
  MR_AUDIT_INTERVAL: {
    schema: duration('20s', 0, 3_600_000),
    about: 'Time between passes of the auditor that proves the stores beside the processors; 0 turns it off.',
    example: '20s',
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
  MR_WATERMARK_DRIFT: {
    schema: duration('0s', 0, 365 * 86_400_000),
    about:
      'Event time that a partition may be read ahead of the slowest one: bounds what windows and joins behind them hold while history is replayed. 0s sets no limit.',
    example: '1h',
  },
  MR_STATE_MEMORY_MB: {
    schema: integer(1024, 16, 1_000_000),
    about: 'Memory that the state of the processors may take in one process; what is beyond it goes to disk.',
    example: '1024',
  },
  MR_GUARANTEE: {
    schema: z.enum(['exactly-once', 'at-least-once']).default('exactly-once'),
    about:
      'How often the processors count an event after failures. at-least-once makes no transactions: records are visible at once, and what was processed since the last commit is counted again.',
    example: 'at-least-once',
  },
  MR_STANDBYS: {
    schema: flag,
    about:
      'Whether a second process keeps a copy of the state of each task, so that it can take over at once.',
    example: 'true',
  },
  MR_STEP_TIMEOUT: {
    schema: duration('60s', 1000, 3_600_000),
    about: 'How long a step may work on one record before the process is ended and the record passed over.',
    example: '60s',
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
  MR_SHOP_TIME_ZONE: {
    schema: timeZone,
    about:
      'Time zone of the shop: its days, weeks and months in sales, sessions, orders and cohorts. What is written keeps the zone that it was written in.',
    example: 'Europe/Berlin',
  },
  MR_ORDER_PAYMENT_LIMIT: {
    schema: duration('24h', 1000, 90 * 86_400_000),
    about: 'Event time after which an order that nobody has paid for counts as stuck.',
    example: '24h',
  },
  MR_ORDER_REVIEW_LIMIT: {
    schema: duration('24h', 1000, 90 * 86_400_000),
    about: 'Event time after which an order that is held for a decision counts as stuck.',
    example: '24h',
  },
  MR_ORDER_CAPTURE_LIMIT: {
    schema: duration('72h', 1000, 90 * 86_400_000),
    about:
      'Event time after which an authorised payment that was not captured makes its order count as stuck.',
    example: '72h',
  },
  MR_ORDER_SHIP_LIMIT: {
    schema: duration('48h', 1000, 90 * 86_400_000),
    about: 'Event time after which an order that is paid and that no carrier has scanned counts as stuck.',
    example: '48h',
  },
  MR_ORDER_DELIVERY_LIMIT: {
    schema: duration('14d', 1000, 90 * 86_400_000),
    about:
      'Event time after the first scan until an order without a promised time counts as stuck on its way.',
    example: '14d',
  },
  MR_ORDER_REFUND_LIMIT: {
    schema: duration('72h', 1000, 90 * 86_400_000),
    about:
      'Event time after which money that is owed for a cancelled or returned order makes it count as stuck.',
    example: '72h',
  },
  MR_MIN_FREE_DISK_MB: {
    schema: integer(1024, 0, 10_000_000),
    about: 'Free space the data folder needs at start.',
    example: '1024',
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
