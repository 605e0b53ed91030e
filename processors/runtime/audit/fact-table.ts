import type { ClickHouse, Row } from '../../../platform/clickhouse/port.ts';
import { MillraceError } from '../../../platform/errors.ts';
import { FACT_TABLES, VERSIONED_TABLES } from '../../../schemas/tables.ts';
import { Digest, type DigestJson } from './digest.ts';
import type { HashPair } from './hash-pair.ts';
import { rowTextSql, type Column } from './row-sql.ts';
import { INPUT_SHAPE } from './task-account.ts';

/** Offsets of one partition of a topic, by its name in the log. */
export interface FactRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** What a fact table holds of 4,096 offsets. */
export interface FactBucket {
  readonly ids: Digest;
  readonly content: Digest;
}

/** A row as far as it is compared. */
export interface FactHash {
  readonly offset: number;
  readonly ordinal: number;
  readonly eventId: string;
  readonly content: HashPair;
}

const TIMEOUT_MS = 60_000;
const SUM = (hash: string, text: string) => `toUInt64(sum(${hash}(${text})) % 4294967296)`;
const ID = 'reinterpretAsFixedString(event_id)';

/** Columns of a table in the order of their names. */
export async function columnsOf(clickhouse: ClickHouse, table: string): Promise<readonly Column[]> {
  if (!FACT_TABLES.some((name) => name === table) && VERSIONED_TABLES[table] === undefined)
    throw new MillraceError('MR_AUDIT_TABLE_UNKNOWN', `no task writes a table ${table}`, {
      context: { table },
    });
  const columns = await clickhouse.query<{ name: string; type: string }>(
    'SELECT name, type FROM system.columns WHERE database = {database:String} AND table = {table:String}',
    { params: { database: clickhouse.database, table } },
  );
  if (columns.length === 0)
    throw new MillraceError(
      'MR_AUDIT_TABLE_UNKNOWN',
      `there is no table ${table}: run \`millrace migrate\``,
      {
        context: { table },
      },
    );
  return columns.sort((x, y) => (x.name < y.name ? -1 : 1));
}

/** Reads one fact table as readers see it: repeated writes of a place count once. */
export class FactTable {
  readonly #clickhouse: ClickHouse;
  readonly table: string;
  readonly columns: readonly Column[];
  readonly #text: string;

  constructor(clickhouse: ClickHouse, table: string, columns: readonly Column[]) {
    this.#clickhouse = clickhouse;
    this.table = table;
    this.columns = columns;
    this.#text = rowTextSql(columns);
  }

  /** Sums by partition and index of the fine bucket, computed by ClickHouse: `topic/partition/index`. */
  async buckets(ranges: readonly FactRange[]): Promise<ReadonlyMap<string, FactBucket>> {
    if (ranges.length === 0) return new Map();
    const rows = await this.#query<{ topic: string; part: number; bucket: number } & Record<string, unknown>>(
      `SELECT _topic AS topic, _partition AS part, intDiv(_offset, ${INPUT_SHAPE.size}) AS bucket, count() AS n,
        ${SUM('murmurHash3_32', ID)} AS ia, ${SUM('xxHash32', ID)} AS ib,
        ${SUM('murmurHash3_32', this.#text)} AS ca, ${SUM('xxHash32', this.#text)} AS cb
      FROM ${this.table} FINAL WHERE ${ranges.map(rangeSql).join(' OR ')} GROUP BY topic, part, bucket`,
    );
    return new Map(
      rows.map(({ topic, part, bucket, n, ia, ib, ca, cb }) => [
        `${topic}/${part}/${bucket}`,
        {
          ids: Digest.of([n, ia, ib] as unknown as DigestJson),
          content: Digest.of([n, ca, cb] as unknown as DigestJson),
        },
      ]),
    );
  }

  async rows(range: FactRange): Promise<readonly FactHash[]> {
    const rows = await this.#query<Record<'o' | 'n' | 'ca' | 'cb', number> & { id: string }>(
      `SELECT _offset AS o, _ordinal AS n, toString(event_id) AS id,
        murmurHash3_32(${this.#text}) AS ca, xxHash32(${this.#text}) AS cb
      FROM ${this.table} FINAL WHERE ${rangeSql(range)} ORDER BY o, n`,
    );
    return rows.map(({ o, n, id, ca, cb }) => ({
      offset: o,
      ordinal: n,
      eventId: id,
      content: { a: ca, b: cb },
    }));
  }

  /** The text of each column of a row. */
  async cells(place: FactRange & { readonly ordinal: number }): Promise<Readonly<Record<string, string>>> {
    const [row] = await this.#query<{ text: string }>(
      `SELECT ${this.#text} AS text FROM ${this.table} FINAL WHERE ${rangeSql(place)} AND _ordinal = ${place.ordinal}`,
    );
    const texts = row?.text.split('\u001e') ?? [];
    return Object.fromEntries(this.columns.map(({ name }, index) => [name, texts[index] ?? '']));
  }

  /** Rows of places that no account speaks of: of unknown topics and partitions, or behind the end of the log. */
  async strays(
    known: readonly FactRange[],
  ): Promise<readonly { topic: string; part: number; n: number; first: number }[]> {
    const inside = known.map(rangeSql).join(' OR ') || '0';
    return this.#query(
      `SELECT _topic AS topic, _partition AS part, count() AS n, min(_offset) AS first
      FROM ${this.table} FINAL WHERE NOT (${inside}) GROUP BY topic, part`,
    );
  }

  /** Count and eventIds of a range, and checksum of its rows. */
  async sum(range: FactRange): Promise<FactBucket> {
    const sum = { ids: new Digest(), content: new Digest() };
    for (const { ids, content } of (await this.buckets([range])).values()) {
      sum.ids.merge(ids);
      sum.content.merge(content);
    }
    return sum;
  }

  #query<T extends Row>(sql: string): Promise<T[]> {
    return this.#clickhouse.query<T>(sql, { timeoutMs: TIMEOUT_MS });
  }
}

/** SQL of the condition that a row is of the range. */
export function rangeSql({ topic, partition, from, to }: FactRange): string {
  const name = topic.replace(/[\\']/g, '\\$&');
  return `(_topic = '${name}' AND _partition = ${partition} AND _offset >= ${from} AND _offset < ${to})`;
}
