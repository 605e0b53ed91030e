import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  FULL_USER,
  READER,
  spawnClickHouse,
  type SpawnedClickHouse,
} from '../../test/harness/spawn-clickhouse.ts';

let served: SpawnedClickHouse;
let full: ClickHouseClient;
let reader: ClickHouseClient;

beforeAll(async () => {
  served = await spawnClickHouse();
  const log = { level: ClickHouseLogLevel.OFF };
  full = createClient({ url: served.url, ...FULL_USER, log });
  reader = createClient({ url: served.url, ...READER, log });
  await full.command({ query: 'CREATE TABLE events (n UInt64, s String) ENGINE = MergeTree ORDER BY n' });
  await full.command({ query: "INSERT INTO events VALUES (1, 'a')" });
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

describe('the reader of millrace clickhouse', () => {
  it('reads tables, and sets what changes only its answer', async () => {
    const result = await reader.query({
      query: 'SELECT count() > 0 AS has FROM events',
      format: 'JSONEachRow',
      clickhouse_settings: { max_execution_time: 5, output_format_json_quote_64bit_integers: 0 },
    });
    expect(await result.json()).toEqual([{ has: 1 }]);
    expect(
      (await rowsOf('SELECT name FROM system.tables WHERE database = currentDatabase()', reader)).length,
    ).toBeGreaterThan(0);
  });

  it.each([
    ["INSERT INTO events VALUES (9, '')", '164'],
    ['DROP TABLE events', '164'],
    ['ALTER TABLE events DELETE WHERE 1', '164'],
    ['CREATE TEMPORARY TABLE t (a Int32)', '164'],
    ['SET readonly = 0', '164'],
    ['SET ROLE millrace_admin', '164'],
    ['USE system', '164'],
    ['KILL QUERY WHERE 1', '164'],
    ['SYSTEM SHUTDOWN', '164'],
    ['SELECT 1 SETTINGS readonly = 0', '164'],
    ['SELECT 1 SETTINGS max_execution_time = 100000', '164'],
    ["SELECT 1 SETTINGS format_schema = '/etc/passwd'", '164'],
    ["SELECT file('/etc/hostname')", '497'],
    ["SELECT `fil\\x65`('/etc/hostname')", '497'],
    ["SELECT /* '*/ file/**/('/etc/hostname') -- '", '497'],
    ["SELECT * APPLY(file) FROM (SELECT '/etc/hostname')", '497'],
    ["SELECT * FROM file('/etc/hostname', 'RawBLOB')", '497'],
    ['SELECT * FROM `/etc/hostname`', '497'],
    ["SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')", '497'],
    ["SELECT * FROM s3('http://bucket.example.org/a.csv', 'CSV', 'a String')", '497'],
    ["SELECT * FROM remote('127.0.0.1', system.one)", '497'],
    ["SELECT * FROM executable('cat', 'TSV', 'a String')", '497'],
    ["SELECT 1 INTO/**/OUTFILE '/tmp/millrace-outfile'", '358'],
    ['SELECT * FROM system.processes', '497'],
    ['SELECT * FROM `syst\\x65m`.`server_settings`', '497'],
    ["SELECT * FROM merge('system', 'processes')", '497'],
    ['SELECT 1 IN (SELECT 1 FROM system.users)', '497'],
    ['SELECT * FROM system.named_collections', '497'],
    ['SHOW PROCESSLIST', '497'],
  ])('may not %s', async (query, code) => {
    await expect(reader.exec({ query })).rejects.toMatchObject({ code });
  });

  it.each([
    ['readonly', '0'],
    ['max_partitions_per_insert_block', '1'],
    ['format_schema', '/etc/passwd'],
    ['database', 'system'],
  ])('may not change %s in the URL', async (name, value) => {
    const response = await fetch(`${served.url}/?${name}=${value}`, {
      method: 'POST',
      headers: { 'x-clickhouse-user': READER.username, 'x-clickhouse-key': READER.password },
      body: 'SELECT * FROM processes',
    });
    expect(response.status).toBe(403);
    expect(['164', '497']).toContain(response.headers.get('x-clickhouse-exception-code'));
  });
});

describe('the full user of millrace clickhouse', () => {
  it.each([
    ["SELECT file('/etc/hostname')", '497'],
    ["CREATE TABLE f (a String) ENGINE = File(CSV, '/etc/passwd')", '497'],
    ["CREATE TABLE f (a String) ENGINE = `Fil\\x65`(CSV, '/etc/passwd')", '497'],
    ["CREATE TABLE f (a String) ENGINE = URL('http://127.0.0.1:1/', 'CSV')", '497'],
    ["CREATE TABLE f (a String) ENGINE = Executable('id', 'TSV')", '497'],
    ["CREATE DATABASE f ENGINE = Filesystem('/etc')", '497'],
    ["CREATE DATABASE f ENGINE = SQLite('/tmp/millrace.db')", '497'],
    [
      "CREATE DICTIONARY d (a String, b String) PRIMARY KEY a SOURCE(EXECUTABLE(COMMAND 'id' FORMAT 'TSV')) LAYOUT(COMPLEX_KEY_DIRECT())",
      '497',
    ],
    ["INSERT INTO FUNCTION file('/tmp/millrace-out.csv', 'CSV', 'a String') VALUES ('x')", '497'],
    ["INSERT INTO events FROM INFILE '/etc/passwd' FORMAT CSV", '497'],
    ["ALTER TABLE events UPDATE s = file('/etc/hostname') WHERE 1", '497'],
    ['SYSTEM SHUTDOWN', '497'],
    ["BACKUP TABLE events TO File('/tmp/millrace-backup')", '497'],
    ['CREATE USER u', '497'],
  ])('may not %s', async (query, code) => {
    await expect(full.command({ query })).rejects.toMatchObject({ code });
  });

  it('gets no file by an expression among values', async () => {
    await full.command({ query: 'CREATE TABLE literal (n UInt8, s Nullable(String)) ENGINE = Memory' });
    await full.command({ query: "INSERT INTO literal VALUES (1, upper('ok'))" });
    await expect(
      full.command({ query: "INSERT INTO literal VALUES (2, file('/etc/hostname'))" }),
    ).rejects.toThrow();
    expect(await rowsOf('SELECT * FROM literal')).toEqual([{ n: 1, s: 'OK' }]);
  });

  it('may not write with GET', async () => {
    const url = `${served.url}/?query=${encodeURIComponent('DROP TABLE events')}`;
    const headers = { 'x-clickhouse-user': FULL_USER.username, 'x-clickhouse-key': FULL_USER.password };
    const response = await fetch(url, { headers });
    expect([response.status, response.headers.get('x-clickhouse-exception-code')]).toEqual([403, '164']);
    expect(await response.text()).toMatch(/^Code: 164\. DB::Exception: .*\(READONLY\) \(version /);
  });
});
