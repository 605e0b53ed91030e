import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  FULL_USER,
  READER,
  spawnClickHouse,
  type SpawnedClickHouse,
} from '../../test/harness/spawn-clickhouse.ts';

type Options = NonNullable<Parameters<typeof createClient>[0]>;

let served: SpawnedClickHouse;
let full: ClickHouseClient;
let reader: ClickHouseClient;

function clientOf(account: { username: string; password: string }, options: Options = {}): ClickHouseClient {
  return createClient({
    url: served.url,
    ...account,
    log: { level: ClickHouseLogLevel.OFF },
    request_timeout: 60_000,
    ...options,
  });
}

beforeAll(async () => {
  served = await spawnClickHouse();
  full = clientOf(FULL_USER);
  reader = clientOf(READER);
  await full.command({ query: 'CREATE TABLE events (n UInt64, s String) ENGINE = MergeTree ORDER BY n' });
});
afterAll(async () => {
  await full.close();
  await reader.close();
  await served.stop();
});

async function rowsOf<T>(query: string, client = full): Promise<T[]> {
  const result = await client.query({ query, format: 'JSONEachRow' });
  return result.json<T>();
}

/** Statements that run in the engine now, this one apart. */
async function runningStatements(): Promise<number> {
  const rows = await rowsOf<{ n: string }>('SELECT count() - 1 AS n FROM system.processes');
  return Number(rows[0]?.n);
}

describe('millrace clickhouse with @clickhouse/client', () => {
  it('answers pings of both kinds', async () => {
    expect(await full.ping()).toMatchObject({ success: true });
    expect(await full.ping({ select: true })).toMatchObject({ success: true });
    const wrong = clientOf({ username: 'default', password: 'wrong' });
    const refused = await wrong.ping({ select: true });
    expect(refused).toMatchObject({ success: false, error: { code: '516', type: 'AUTHENTICATION_FAILED' } });
    await wrong.close();
  });

  it('streams three million rows to a slow reader without holding them', async () => {
    const before = await served.rssBytes();
    let highest = 0;
    let rows = 0;
    const result = await full.query({
      query: "SELECT number, repeat('x', 100) AS s FROM numbers(3000000)",
      format: 'JSONCompactEachRow',
    });
    for await (const batch of result.stream()) {
      rows += batch.length;
      if (rows % 50 === 0) highest = Math.max(highest, await served.rssBytes());
    }
    highest = Math.max(highest, await served.rssBytes());
    expect(rows).toBe(3_000_000);
    expect(highest - before).toBeLessThan(500 * 1024 ** 2); // the answer has 340 MB, and the engine keeps buffers
  });

  it('waits for the client: nothing more is read than fits between the two', async () => {
    const before = await served.rssBytes();
    const result = await full.query({
      query: "SELECT repeat('x', 1000) AS s FROM numbers(20000000)",
      format: 'TabSeparated',
    });
    const stream = result.stream();
    await once(stream, 'readable');
    await sleep(1500);
    expect((await served.rssBytes()) - before).toBeLessThan(400 * 1024 ** 2); // the answer would have 20 GB
    stream.destroy();
    await expect.poll(runningStatements, { timeout: 5000 }).toBe(0);
  });

  it('streams an insert from a Readable in parts, without holding it', async () => {
    await full.command({ query: 'CREATE TABLE streamed (n UInt64, s String) ENGINE = MergeTree ORDER BY n' });
    const before = await served.rssBytes();
    const rows = 2_000_000;
    const lines = Readable.from(
      (function* () {
        const s = 'y'.repeat(100);
        for (let n = 0; n < rows; n++) yield { n, s };
      })(),
    );
    await full.insert({ table: 'streamed', values: lines, format: 'JSONEachRow' });
    const found = await rowsOf('SELECT toString(count()) AS c, toString(uniqExact(n)) AS u FROM streamed');
    expect(found).toEqual([{ c: String(rows), u: String(rows) }]);
    expect((await served.rssBytes()) - before).toBeLessThan(700 * 1024 ** 2);
  });

  it.each(['CSVWithNames', 'TabSeparatedWithNames', 'JSONCompactEachRowWithNames'] as const)(
    'keeps the header of %s for every part',
    async (format) => {
      const table = `header_${format.toLowerCase()}`;
      await full.command({
        query: `CREATE TABLE ${table} (n UInt64, s String) ENGINE = MergeTree ORDER BY n`,
      });
      const [header, line] = {
        CSVWithNames: ['"s","n"\n', (n: number) => `"a ""quoted""\nline ${'z'.repeat(80)}",${n}\n`] as const,
        TabSeparatedWithNames: ['s\tn\n', (n: number) => `text ${'z'.repeat(90)}\t${n}\n`] as const,
        JSONCompactEachRowWithNames: [['s', 'n'], () => ''] as const,
      }[format];
      const isJson = format.startsWith('JSON');
      const rows = 400_000;
      const lines = Readable.from(
        (function* () {
          yield header;
          if (isJson) for (let n = 0; n < rows; n++) yield [`text ${'z'.repeat(90)}`, n];
          else
            for (let n = 0; n < rows; n += 500)
              yield Array.from({ length: 500 }, (_, i) => line(n + i)).join('');
        })(),
        { objectMode: isJson },
      );
      await full.insert({ table, values: lines, format });
      expect(
        await rowsOf(`SELECT toString(uniqExact(n)) AS u, toString(count()) AS c FROM ${table}`),
      ).toEqual([{ u: String(rows), c: String(rows) }]);
    },
  );

  it('takes rows, reports what was written, and gives query ids back', async () => {
    const id = randomUUID();
    const inserted = await full.insert({
      table: 'events',
      values: [
        { n: 1, s: 'naïve\n\t"用户"' },
        { n: 2, s: "it's \\ " },
      ],
      format: 'JSONEachRow',
      query_id: id,
    });
    expect(inserted).toMatchObject({ query_id: id, executed: true, summary: { written_rows: '2' } });
    expect(inserted.response_headers['x-clickhouse-query-id']).toBe(id);
    expect(await rowsOf('SELECT n::UInt8 AS n, s FROM events ORDER BY n')).toEqual([
      { n: 1, s: 'naïve\n\t"用户"' },
      { n: 2, s: "it's \\ " },
    ]);
  });

  it('compresses requests and answers with gzip', async () => {
    const zipped = clientOf(FULL_USER, { compression: { request: true, response: true } });
    await zipped.command({ query: 'CREATE TABLE zipped (n UInt64) ENGINE = MergeTree ORDER BY n' });
    const values = Array.from({ length: 5000 }, (_, n) => ({ n }));
    await zipped.insert({ table: 'zipped', values, format: 'JSONEachRow' });
    const result = await zipped.query({
      query: 'SELECT n::UInt32 AS n FROM zipped ORDER BY n',
      format: 'JSONEachRow',
    });
    expect(result.response_headers['content-encoding']).toBe('gzip');
    expect(await result.json()).toEqual(values);
    await zipped.close();
  });

  it('cancels what runs when the client aborts, and the place is free again', async () => {
    const abort = new AbortController();
    const cancelled = full.query({
      query: 'SELECT sum(sleepEachRow(0.05)) FROM numbers(2000) SETTINGS max_block_size = 1',
      abort_signal: abort.signal,
    });
    await expect.poll(runningStatements, { timeout: 5000 }).toBe(1);
    abort.abort();
    await expect(cancelled).rejects.toThrow();
    await expect.poll(runningStatements, { timeout: 2000 }).toBe(0);
  });

  it('ends the statement that KILL QUERY names', async () => {
    const id = randomUUID();
    const slow = full.query({
      query: 'SELECT sum(sleepEachRow(0.05)) FROM numbers(2000) SETTINGS max_block_size = 1',
      query_id: id,
    });
    const refused = expect(slow).rejects.toMatchObject({ code: '394' });
    await expect.poll(runningStatements, { timeout: 5000 }).toBe(1);
    await full.command({ query: `KILL QUERY WHERE query_id = '${id}'` });
    await refused;
  });

  it('binds parameters from the URL and from a form', async () => {
    const long = "x'; DROP TABLE events; --\\\n\t用户".repeat(2000);
    const result = await full.query({
      query:
        'SELECT {text:String} AS text, {n:Int32} AS n, {list:Array(String)} AS list, {none:Nullable(Int8)} AS none',
      query_params: { text: long, n: -5, list: ["a'b", 'c'], none: null },
      use_multipart_params_auto: true,
      format: 'JSONEachRow',
    });
    expect(await result.json()).toEqual([{ text: long, n: -5, list: ["a'b", 'c'], none: null }]);
    const short = await full.query({
      query: 'SELECT {d:String} AS d',
      query_params: { d: 'tab\tnew\nline' },
      format: 'JSONEachRow',
    });
    expect(await short.json()).toEqual([{ d: 'tab\tnew\nline' }]);
  });

  it.each([
    ['a syntax error', 'SELEC 1', '62', 'SYNTAX_ERROR'],
    ['an unknown table', 'SELECT * FROM nowhere', '60', 'UNKNOWN_TABLE'],
    ['several statements', 'SELECT 1; SELECT 2', '62', 'SYNTAX_ERROR'],
  ])('gives the code and the name for %s', async (_what, query, code, type) => {
    await expect(full.query({ query, format: 'JSONEachRow' })).rejects.toMatchObject({ code, type });
  });

  it('refuses an unknown setting', async () => {
    await expect(
      full.query({ query: 'SELECT 1', clickhouse_settings: { max_foo: 1 } }),
    ).rejects.toMatchObject({ code: '115' });
  });

  it('reports an error that comes after the first rows', async () => {
    const result = await full.query({
      query:
        "SELECT number, throwIf(number = 2900000, 'boom') AS t FROM numbers(3000000) SETTINGS max_threads = 1",
      format: 'JSONEachRow',
    });
    let rows = 0;
    const read = async () => {
      for await (const batch of result.stream()) rows += batch.length;
    };
    await expect(read()).rejects.toMatchObject({ code: '395' });
    expect(rows).toBeGreaterThan(0);
  });

  it('answers with the status of the error when it waits for the end', async () => {
    await expect(
      full.query({
        query: "SELECT throwIf(number = 2900000, 'boom') FROM numbers(3000000)",
        clickhouse_settings: { wait_end_of_query: 1 },
      }),
    ).rejects.toMatchObject({ code: '395' });
  });

  it('sends a long answer whole that it had to hold until its end', async () => {
    const result = await full.query({
      query: "SELECT number::UInt32 AS n, repeat('x', 100) AS s FROM numbers(300000)",
      clickhouse_settings: { wait_end_of_query: 1 },
      format: 'JSONCompactEachRow',
    });
    expect(JSON.parse(String(result.response_headers['x-clickhouse-summary']))).toMatchObject({
      result_rows: '300000',
    });
    const rows = await result.json<[number, string]>();
    expect(rows.length).toBe(300_000);
    expect(rows.at(-1)).toEqual([299_999, 'x'.repeat(100)]);
    expect(await readdir(join(served.dataDir, 'clickhouse', 'tmp'))).toEqual([]);
  });

  it('holds the limits of rows, bytes and time that a client sets', async () => {
    const limited = (settings: Record<string, number>, query = 'SELECT number FROM numbers(100000)') =>
      full.query({ query, clickhouse_settings: settings, format: 'JSONEachRow' });
    await expect(limited({ max_result_rows: 10 })).rejects.toMatchObject({ code: '396' });
    await expect(limited({ max_result_bytes: 100, wait_end_of_query: 1 })).rejects.toMatchObject({
      code: '396',
    });
    const slow =
      'SELECT sum(sleepEachRow(0.05)) FROM numbers(2000) SETTINGS max_block_size = 1, max_execution_time = 0';
    await expect(limited({ max_execution_time: 1 }, slow)).rejects.toMatchObject({ code: '159' });
    await expect(
      limited({}, 'SELECT length(groupArray(repeat(toString(number), 100))) FROM numbers(30000000)'),
    ).rejects.toMatchObject({ code: '241' });
  });

  it('runs fifty statements of two clients at once', async () => {
    const other = clientOf(READER, { max_open_connections: 25 });
    const many = clientOf(FULL_USER, { max_open_connections: 25 });
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const result = await (i % 2 === 0 ? other : many).query({
          query: 'SELECT {i:UInt8} AS i, sum(number) AS s FROM numbers({n:UInt64})',
          query_params: { i, n: 1000 + i },
          format: 'JSONEachRow',
          clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
        });
        return result.json<{ i: number; s: number }>();
      }),
    );
    expect(answers).toEqual(Array.from({ length: 50 }, (_, i) => [{ i, s: ((1000 + i) * (999 + i)) / 2 }]));
    await other.close();
    await many.close();
  });
});
