import type { ClickHouse } from '../../platform/clickhouse/port.ts';
import { MillraceError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/log.ts';
import type { OnlineReader } from '../online-reader.ts';
import { unlessStoreDown } from '../store-down.ts';
import { cached } from './cached.ts';
import {
  readConversion,
  readFunnel,
  readSales,
  SALES_WINDOW_MS,
  type Conversion,
  type Funnel,
  type Sales,
} from './sales.ts';
import { createThroughput, type Throughput } from './throughput.ts';

/** Numbers of the console. A part is null while its source does not answer. */
export interface LiveNumbers {
  /** Epoch ms by this server's clock. */
  readonly asOfMs: number;
  readonly throughput: Throughput | null;
  /** Span of sales, funnel and conversion. */
  readonly windowMs: number;
  readonly sales: Sales | null;
  readonly funnel: Funnel | null;
  readonly conversion: Conversion | null;
  /** Rows in the fact tables, repeats that are not merged yet included. */
  readonly rows: Readonly<Record<FactTable, number>> | null;
  readonly sources: { readonly clickhouse: SourceState; readonly onlineStore: SourceState };
}

export type SourceState = 'ok' | 'down' | 'absent';

const FACT_TABLES = ['clicks', 'orders', 'payments', 'scans', 'served', 'alerts'] as const;
type FactTable = (typeof FACT_TABLES)[number];

const ROWS_SQL = `SELECT ${FACT_TABLES.map((table) => `(SELECT count() FROM ${table}) AS ${table}`).join(', ')}`;

const TTL_MS = 1000;
/** Conversion reads an hour of facts: it changes slowly and costs most. */
const SLOW_TTL_MS = 5000;

export interface LiveParts {
  readonly clickhouse: ClickHouse | undefined;
  readonly reader: OnlineReader;
  readonly now: () => number;
  readonly log: Logger;
}

/** The live numbers, read at most once a second for all callers together. Never rejects for a source that is down. */
export function createLiveNumbers(parts: LiveParts): () => Promise<LiveNumbers> {
  const { clickhouse, now } = parts;
  const online = async () => ((await unlessStoreDown(ping(parts.reader))) === null ? 'down' : 'ok');
  if (clickhouse === undefined) {
    return cached(async () => ({ ...nothing(now()), sources: sources('absent', await online()) }), {
      ttlMs: TTL_MS,
      now,
    });
  }
  const readers = readersOf(clickhouse, now);
  const read = tolerant(parts.log);
  return cached(
    async () => {
      const [throughput, sales, funnel, conversion, rows, onlineStore] = await Promise.all([
        read(readers.throughput),
        read(() => readSales(clickhouse, now())),
        read(() => readFunnel(clickhouse, now())),
        read(readers.conversion),
        read(readers.rows),
        online(),
      ]);
      const failed = [throughput, sales, funnel, conversion, rows].includes(null);
      const state = sources(failed ? 'down' : 'ok', onlineStore);
      return { ...nothing(now()), throughput, sales, funnel, conversion, rows, sources: state };
    },
    { ttlMs: TTL_MS, now },
  );
}

function readersOf(clickhouse: ClickHouse, now: () => number) {
  return {
    throughput: createThroughput(clickhouse, now),
    conversion: cached(() => readConversion(clickhouse, now()), { ttlMs: SLOW_TTL_MS, now }),
    rows: cached(() => readRows(clickhouse), { ttlMs: SLOW_TTL_MS, now }),
  };
}

async function readRows(clickhouse: ClickHouse): Promise<Record<FactTable, number> | null> {
  const [row] = await clickhouse.query<Record<FactTable, number>>(ROWS_SQL, { timeoutMs: 3000 });
  return row ?? null;
}

async function ping(reader: OnlineReader): Promise<true> {
  await reader.trending();
  return true;
}

function nothing(asOfMs: number) {
  return {
    asOfMs,
    windowMs: SALES_WINDOW_MS,
    throughput: null,
    sales: null,
    funnel: null,
    conversion: null,
    rows: null,
  };
}

function sources(clickhouse: SourceState, onlineStore: SourceState) {
  return { clickhouse, onlineStore };
}

/** Turns the failure of a source into null, and says so in the log once until it answers again. */
function tolerant(log: Logger) {
  let failing = false;
  return async <T>(read: () => Promise<T>): Promise<T | null> => {
    try {
      const value = await read();
      failing = false;
      return value;
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      if (!failing)
        log.warn({ code: error.code, context: error.context }, 'live numbers lack ClickHouse; check it');
      failing = true;
      return null;
    }
  };
}
