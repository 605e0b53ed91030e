import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClickHouse, Row } from './port.ts';

/** A row of the 15-column facts table that tests and the benchmark use. */
export function factRow(offset: number, changes: Row = {}): Row {
  return {
    _topic: 'shop.clickstream',
    _partition: offset % 4,
    _offset: offset,
    _ordinal: 0,
    event_id: `0190f3b2-7c1a-7d3e-9f00-${String(offset).padStart(12, '0')}`,
    event_time: 1_700_000_000_123 + offset,
    ingest_time: 1_700_000_000_456 + offset,
    anonymous_id: `device-${offset % 5000}`,
    user_id: offset % 3 === 0 ? `user-${offset % 2000}` : null,
    item_ids: [`item-${offset % 9000}`],
    amount_minor: 1999 + offset,
    currency: 'EUR',
    bot: false,
    fx_rate: 1.25,
    path: `/p/${offset % 9000}?ref=home`,
    ...changes,
  };
}

export const FACTS_DDL = `CREATE TABLE IF NOT EXISTS facts
(
  _topic LowCardinality(String), _partition UInt16, _offset UInt64, _ordinal UInt16,
  event_id UUID, event_time DateTime64(3, 'UTC'), ingest_time DateTime64(3),
  anonymous_id String, user_id Nullable(String), item_ids Array(String),
  amount_minor Int64, currency LowCardinality(String), bot Bool, fx_rate Float64, path String DEFAULT '/'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(ingest_time)
ORDER BY (_topic, _partition, _offset, _ordinal)`;

/** What every engine behind the ClickHouse port does. The opener gives an empty database of its own. */
export function clickHouseContract(name: string, open: () => Promise<ClickHouse>): void {
  describe(`ClickHouse port: ${name}`, () => {
    let clickhouse: ClickHouse;
    beforeAll(async () => {
      clickhouse = await open();
      await clickhouse.command(FACTS_DDL);
    });
    afterAll(async () => {
      await clickhouse.command(`DROP DATABASE \`${clickhouse.database}\``);
      await clickhouse.close();
    });
    const use = () => clickhouse;
    rowsAndTypes(use);
    statements(use);
    errors(use);
    replacing(use);
  });
}

function rowsAndTypes(use: () => ClickHouse): void {
  it('gives back what was inserted, times as ISO text and 64-bit integers as numbers', async () => {
    await use().insert('facts', [factRow(1), factRow(2, { user_id: 'naïve "quoted"\n\t\\ 用户' })]);
    const rows = await use().query(
      'SELECT *, toUnixTimestamp64Milli(event_time) AS ms FROM facts ORDER BY _offset',
    );
    expect(rows).toEqual([
      {
        ...factRow(1),
        event_time: '2023-11-14T22:13:20.124Z',
        ingest_time: '2023-11-14T22:13:20.457Z',
        ms: 1_700_000_000_124,
      },
      {
        ...factRow(2, { user_id: 'naïve "quoted"\n\t\\ 用户' }),
        event_time: '2023-11-14T22:13:20.125Z',
        ingest_time: '2023-11-14T22:13:20.458Z',
        ms: 1_700_000_000_125,
      },
    ]);
  });

  it.each([0, 5, 999, 1_700_000_000, 1_700_000_000_123, 4_102_444_800_000])(
    'takes %d epoch milliseconds in plain, nullable and array columns, before and after 10 digits',
    async (ms) => {
      await use().command(
        'CREATE TABLE IF NOT EXISTS times (a DateTime64(3), b Nullable(DateTime64(3)), c Array(DateTime64(3))) ENGINE = Memory',
      );
      await use().command('TRUNCATE TABLE times');
      await use().insert('times', [{ a: ms, b: ms, c: [ms] }]);
      const expected = new Date(ms).toISOString();
      expect(await use().query('SELECT * FROM times')).toEqual([{ a: expected, b: expected, c: [expected] }]);
    },
  );

  it('takes Date, bigint, missing, non-finite and nested values', async () => {
    await use().command(
      `CREATE TABLE odd (t DateTime64(3), big UInt64, bigs Array(UInt64), d String DEFAULT 'absent', n Nullable(Int32),
         f Float64, m Map(String, Float64)) ENGINE = Memory`,
    );
    await use().insert('odd', [
      {
        t: new Date(1_700_000_000_123),
        big: 18_446_744_073_709_551_615n,
        bigs: [1n, 2],
        f: NaN,
        m: { a: 1.5 },
      },
      { t: 1, big: 7, bigs: [], d: 'x', n: null, f: -Infinity, m: {} },
    ]);
    const rows = await use().query(
      'SELECT t, toString(big) AS big, bigs, d, n, toString(f) AS f, m FROM odd ORDER BY t DESC',
    );
    expect(rows).toEqual([
      {
        t: '2023-11-14T22:13:20.123Z',
        big: '18446744073709551615',
        bigs: [1, 2],
        d: 'absent',
        n: null,
        f: 'nan',
        m: { a: 1.5 },
      },
      { t: '1970-01-01T00:00:00.001Z', big: '7', bigs: [], d: 'x', n: null, f: '-inf', m: {} },
    ]);
  });
}

function statements(use: () => ClickHouse): void {
  it('binds parameters as values, never as text of the statement', async () => {
    const nasty = "x'; DROP TABLE facts; -- \\ \n\t用户";
    const [row] = await use().query(
      'SELECT {text:String} AS text, {n:Int64} AS n, {list:Array(String)} AS list, {at:DateTime64(3)} AS at',
      { params: { text: nasty, n: -5, list: ["a'b", 'c'], at: new Date(1_700_000_000_123) } },
    );
    expect(row).toEqual({ text: nasty, n: -5, list: ["a'b", 'c'], at: '2023-11-14T22:13:20.123Z' });
  });

  it('applies settings to one statement only', async () => {
    const limited = { settings: { max_result_rows: 3, result_overflow_mode: 'throw' } };
    await expect(use().query('SELECT number FROM numbers(10)', limited)).rejects.toMatchObject({
      code: 'MR_CLICKHOUSE_QUERY_FAILED',
      context: { clickhouseCode: 396 },
    });
    const results = await Promise.all(
      Array.from({ length: 6 }, () => use().query('SELECT number FROM numbers(10)')),
    );
    expect(results.map((rows) => rows.length)).toEqual([10, 10, 10, 10, 10, 10]);
  });

  it('answers an empty result with no rows and takes an empty insert', async () => {
    await use().insert('facts', []);
    expect(await use().query('SELECT 1 WHERE 0')).toEqual([]);
  });

  it('runs many statements at once', async () => {
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, i) => use().query('SELECT {i:UInt8} AS i', { params: { i } })),
    );
    expect(results.map(([row]) => row?.['i'])).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });

  it('answers a ping while reads are busy', async () => {
    const slow = Array.from({ length: 3 }, () => use().query('SELECT sleep(1)'));
    await use().ping(900);
    await Promise.all(slow);
  });
}

function errors(use: () => ClickHouse): void {
  it.each([
    ['a syntax error', 'SELEC 1', 62],
    ['an unknown table', 'SELECT * FROM nowhere', 60],
    ['a wrong type', "SELECT toInt32('x')", 6],
  ])('refuses %s with the number of ClickHouse', async (_what, sql, clickhouseCode) => {
    await expect(use().query(sql)).rejects.toMatchObject({
      code: 'MR_CLICKHOUSE_QUERY_FAILED',
      retryable: false,
      context: { clickhouseCode },
    });
  });

  it('refuses an unknown column and a bad value of an insert, without the row in the message', async () => {
    await expect(use().insert('facts', [{ ...factRow(9), nowhere: 1 }])).rejects.toMatchObject({
      code: 'MR_CLICKHOUSE_QUERY_FAILED',
    });
    const refused = use().insert('facts', [factRow(9, { amount_minor: 1.5, path: '/very-secret' })]);
    await expect(refused).rejects.toMatchObject({ code: 'MR_CLICKHOUSE_QUERY_FAILED' });
    await expect(refused).rejects.not.toThrow(/very-secret/);
    expect(await use().query('SELECT 1 FROM facts WHERE _offset = 9')).toEqual([]);
  });

  it('gives up in time, and goes on afterwards', async () => {
    const startedMs = performance.now();
    await expect(
      use().query('SELECT sum(sleepEachRow(0.05)) FROM numbers(100) SETTINGS max_block_size = 1', {
        timeoutMs: 300,
      }),
    ).rejects.toMatchObject({ code: 'MR_CLICKHOUSE_UNAVAILABLE', retryable: true });
    expect(performance.now() - startedMs).toBeLessThan(3000);
    expect(await use().query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
}

function replacing(use: () => ClickHouse): void {
  it('keeps one row for each key under FINAL: the highest version, or the last insert', async () => {
    await use().command(
      'CREATE TABLE windows (k String, n Int64, version UInt64) ENGINE = ReplacingMergeTree(version) ORDER BY k',
    );
    await use().insert('windows', [{ k: 'a', n: 2, version: 2 ** 40 + 2 }]);
    await use().insert('windows', [{ k: 'a', n: 1, version: 2 ** 40 + 1 }]);
    expect(await use().query('SELECT k, n, version FROM windows FINAL')).toEqual([
      { k: 'a', n: 2, version: 2 ** 40 + 2 },
    ]);

    await use().insert('facts', [factRow(100), factRow(101)]);
    await use().insert('facts', [factRow(100, { path: '/again' }), factRow(101)]);
    const rows = await use().query(
      'SELECT _offset, path FROM facts FINAL WHERE _offset >= 100 ORDER BY _offset',
    );
    expect(rows).toEqual([
      { _offset: 100, path: '/again' },
      { _offset: 101, path: '/p/101?ref=home' },
    ]);
  });

  it('skips a repeated insert with the same token where the table remembers tokens', async () => {
    await use().command(
      'CREATE TABLE remembered (k String) ENGINE = MergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = 100',
    );
    for (const token of ['one', 'one', 'two'])
      await use().insert('remembered', [{ k: 'a' }], { settings: { insert_deduplication_token: token } });
    expect(await use().query('SELECT count() AS n FROM remembered')).toEqual([{ n: 2 }]);
  });
}
