import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runMillrace } from '../../test/harness/millrace-process.ts';
import { skipOrFail } from '../../test/harness/require-service.ts';
import {
  FULL_USER,
  READER,
  spawnClickHouse,
  type SpawnedClickHouse,
} from '../../test/harness/spawn-clickhouse.ts';

let served: SpawnedClickHouse;

beforeAll(async () => {
  served = await spawnClickHouse();
  const client = createClient({ url: served.url, ...FULL_USER });
  await client.command({ query: 'CREATE TABLE rows (n UInt8) ENGINE = Memory' });
  await client.close();
});
afterAll(() => served.stop());

const LOGIN = `${FULL_USER.username}:${FULL_USER.password}`;
const hasCurl = spawnSync('curl', ['--version']).status === 0;
const curlSuite = skipOrFail(hasCurl ? '' : 'curl is not installed');

describe.skipIf(curlSuite.isMissing)(curlSuite.title('millrace clickhouse with curl'), () => {
  /** Body and status, as `-w` writes it behind. */
  async function curl(args: readonly string[], path = '/', login = LOGIN): Promise<[string, number]> {
    const { stdout } = await promisify(execFile)(
      'curl',
      ['-sS', '-m', '20', '-u', login, '-w', '\n%{http_code}', ...args, `${served.url}${path}`],
      { maxBuffer: 64 * 1024 ** 2 },
    );
    const end = stdout.lastIndexOf('\n');
    return [stdout.slice(0, end), Number(stdout.slice(end + 1))];
  }

  it('answers health checks without a log-in', async () => {
    expect(await curl([], '/ping', 'nobody:x')).toEqual(['Ok.\n', 200]);
    expect(await curl([], '/', 'nobody:x')).toEqual(['Ok.\n', 200]);
    expect(await curl(['-I'], '/ping')).toEqual([expect.stringContaining('HTTP/1.1 200'), 200]);
    const [text, status] = await curl([], '/play');
    expect([status, text.split('\n')[0]]).toEqual([404, 'There is no handle /play']);
  });

  it('runs statements from the body, the URL and both, in any format', async () => {
    expect(await curl(['-d', 'SELECT 1 AS a, 2'])).toEqual(['1\t2\n', 200]);
    expect(await curl([], '/?query=SELECT%201%20FORMAT%20CSV')).toEqual(['1\n', 200]);
    expect(await curl(['-d', 'AS a FORMAT JSONCompactEachRow'], '/?query=SELECT%205')).toEqual([
      '[5]\n',
      200,
    ]);
    expect(await curl(['-d', 'SELECT {s:String}'], '/?param_s=x%27y&default_format=JSONEachRow')).toEqual([
      expect.stringContaining("x'y"),
      200,
    ]);
    expect(await curl(['-F', 'query=SELECT {n:Int8} + 1', '-F', 'param_n=4'])).toEqual(['5\n', 200]);
    expect(await curl(['-d', '-- nothing but this\nSELECT /* here */ 7;'])).toEqual(['7\n', 200]);
    expect(await curl(['-d', "SHOW DATABASES LIKE 'default'"])).toEqual(['default\n', 200]);
  });

  it('takes inserts of every way to send them', async () => {
    await curl(['-d', 'CREATE TABLE taken (n UInt8, s String) ENGINE = Memory']);
    const send = (args: readonly string[], path?: string) => curl(args, path);
    expect(await send(['-d', "INSERT INTO taken VALUES (1, 'a;b'), (2, upper('c'))"])).toEqual(['', 200]);
    expect(await send(['--data-binary', '3,"x\ny"\n4,z'], '/?query=INSERT+INTO+taken+FORMAT+CSV')).toEqual([
      '',
      200,
    ]);
    expect(
      await send([
        '--data-binary',
        'INSERT INTO taken (s, n) FORMAT JSONEachRow\n{"s":"j","n":5}\n{"n":6,"s":"k"}',
      ]),
    ).toEqual(['', 200]);
    expect(await send(['-d', "(7, 'v')"], '/?query=INSERT+INTO+taken+VALUES')).toEqual(['', 200]);
    expect(await send(['-d', "INSERT INTO taken SELECT 8, 's'"])).toEqual(['', 200]);
    expect(
      await send(
        ['-H', 'Transfer-Encoding: chunked', '-d', '9\tt\n'],
        '/?query=INSERT+INTO+taken+FORMAT+TSV',
      ),
    ).toEqual(['', 200]);
    expect(await send(['-d', ''], '/?query=INSERT+INTO+taken+FORMAT+TSV')).toEqual(['', 200]);
    expect((await curl(['-d', 'SELECT count(), sum(n) FROM taken']))[0]).toBe('9\t45\n');
  });

  it.each<[string, string[], string, [number, number]]>([
    ['a syntax error', ['-d', 'SELEC 1'], '/', [400, 62]],
    ['nothing', ['-X', 'POST'], '/', [400, 62]],
    ['two statements', ['-d', 'SELECT 1; SELECT 2'], '/', [400, 62]],
    ['an unknown table', ['-d', 'SELECT * FROM nowhere'], '/', [404, 60]],
    ['an unknown database', ['-d', 'SELECT 1'], '/?database=nowhere', [404, 81]],
    ['an unknown setting', ['-d', 'SELECT 1'], '/?max_foo=1', [404, 115]],
    ['an unknown format', ['-d', 'SELECT 1 FORMAT Nope'], '/', [404, 73]],
    ['an unknown parameter', ['-d', 'SELECT {a:Int8}'], '/', [400, 456]],
    ['a bad parameter', ['-d', 'SELECT {a:Int8}'], '/?param_a=x', [400, 457]],
    ['a parameter with a bad name', ['-d', 'SELECT 1'], '/?param_a%27b=x', [404, 115]],
    ['a broken row', ['-d', 'x'], '/?query=INSERT+INTO+rows+FORMAT+TSV', [400, 27]],
    ['a compression that is not known', ['-H', 'Content-Encoding: zstd', '-d', 'x'], '/', [415, 89]],
    ['a body that is not compressed', ['-H', 'Content-Encoding: gzip', '-d', 'x'], '/', [500, 354]],
    ['a session', ['-d', 'SELECT 1'], '/?session_id=a', [501, 48]],
    [
      'a form without an end',
      ['-H', 'Content-Type: multipart/form-data; boundary=b', '-d', '--b'],
      '/',
      [400, 36],
    ],
  ])('refuses %s with its code and status', async (_what, args, path, [status, code]) => {
    const [text, found] = await curl(args, path);
    expect([found, text.split('.', 1)[0]]).toEqual([status, `Code: ${code}`]);
  });

  it('refuses who does not log in, however they try', async () => {
    const code = async (args: readonly string[], login: string, path = '/') => {
      const [text, status] = await curl([...args, '-d', 'SELECT 1'], path, login);
      return [status, text.slice(0, 9)];
    };
    const refused = [403, 'Code: 516'];
    expect(await code([], 'default:wrong')).toEqual(refused);
    expect(await code([], 'nobody:full-password')).toEqual(refused);
    expect(await code(['-H', 'Authorization: Bearer abc'], ':')).toEqual(refused);
    expect(await code(['-H', 'X-ClickHouse-User: default'], LOGIN)).toEqual(refused);
    expect(await code([], ':', '/?user=default&password=nope')).toEqual(refused);
    const [text] = await curl(
      [
        '-H',
        `X-ClickHouse-User: ${READER.username}`,
        '-H',
        `X-ClickHouse-Key: ${READER.password}`,
        '-d',
        'SELECT 1',
      ],
      '/',
      'x:y',
    );
    expect(text).toBe('1\n');
  });

  it('compresses answers where it is asked to', async () => {
    const [text] = await curl(
      ['--compressed', '-d', 'SELECT number FROM numbers(200000)'],
      '/?enable_http_compression=1',
    );
    expect(text.split('\n')).toHaveLength(200_001);
    const broken = promisify(execFile)(
      'curl',
      [
        '-sS',
        '--compressed',
        '-u',
        LOGIN,
        '-d',
        'SELECT throwIf(number = 1900000) FROM numbers(2000000)',
        `${served.url}/?enable_http_compression=1`,
      ],
      { maxBuffer: 64 * 1024 ** 2 },
    );
    await expect(broken).rejects.toMatchObject({ stdout: expect.stringContaining('Code: 395') as string });
  });
});

describe('millrace clickhouse and clients that go wrong', () => {
  const authorization = `Basic ${Buffer.from(LOGIN).toString('base64')}`;

  async function ask(
    body: Buffer | string,
    path = '/',
    headers: Record<string, string> = {},
  ): Promise<[number, string]> {
    const response = await fetch(`${served.url}${path}`, {
      method: 'POST',
      body,
      headers: { authorization, ...headers },
    });
    return [response.status, await response.text()];
  }

  it('answers binary junk and a huge statement with an error, and goes on', async () => {
    const junk = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256));
    expect((await ask(junk))[0]).toBe(400);
    expect((await ask(`SELECT '${'x'.repeat(1024 ** 2)}'`))[1]).toMatch(/^Code: 62\./);
    expect((await ask(`SELECT '${'x'.repeat(5 * 1024 ** 2)}'`))[0]).toBe(413);
    expect(
      (await ask(gzipSync(`SELECT '${'x'.repeat(9 * 1024 ** 2)}'`), '/', { 'content-encoding': 'gzip' }))[0],
    ).toBe(413);
    expect(await ask('SELECT 1')).toEqual([200, '1\n']);
  });

  it('inserts nothing of a body that is shorter than it says', async () => {
    await ask('CREATE TABLE broken (n UInt64) ENGINE = MergeTree ORDER BY n');
    const { hostname, port } = new URL(served.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST /?query=INSERT+INTO+broken+FORMAT+TSV HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n` +
        'Content-Length: 1000\r\n\r\n1\n2\n3\n',
    );
    await expect.poll(async () => (await ask('SELECT 1'))[0]).toBe(200);
    socket.destroy();
    await once(socket, 'close');
    await expect.poll(async () => (await ask('SELECT count() FROM broken'))[1]).toBe('0\n');
  });

  it('ends connections whose headers do not come', { timeout: 60_000 }, async () => {
    const { hostname, port } = new URL(served.url);
    const socket = connect(Number(port), hostname);
    socket.write('POST / HTTP/1.1\r\nHost: x\r\n');
    socket.resume();
    const startedMs = performance.now();
    await once(socket, 'close');
    expect(performance.now() - startedMs).toBeLessThan(45_000);
  });
});

describe('the process of millrace clickhouse', () => {
  it('names the owner of the folder to a second one', async () => {
    const second = runMillrace(['clickhouse', '--port', '0'], { MR_DATA_DIR: served.dataDir });
    expect((await second.ended).code).toBe(1);
    expect(second.stderr()).toContain('MR_EMBEDDED_IN_USE');
    expect(second.stderr()).toContain(String(served.pid));
  });

  it('says that a port is taken, and that a user without a password stays on loopback', async () => {
    const { port } = new URL(served.url);
    const taken = runMillrace(['clickhouse', '--port', port], { MR_DATA_DIR: `${served.dataDir}/other` });
    expect((await taken.ended).code).toBe(1);
    expect(taken.stderr()).toContain('MR_PORT_TAKEN');
    const open = runMillrace(['clickhouse', '--port', '0'], {
      MR_DATA_DIR: `${served.dataDir}/other`,
      MR_HTTP_HOST: '0.0.0.0',
      MR_SERVING_KEYS: 'a-key-of-sixteen-characters',
    });
    expect((await open.ended).code).toBe(1);
    expect(open.stderr()).toContain('MR_CLICKHOUSE_PASSWORD');
  });

  it('serves metrics of what it answered', async () => {
    const text = await (await fetch(`${served.url}/metrics`)).text();
    expect(text).toMatch(/millrace_clickhouse_statements_total\{user="full",result="failed"\} \d+/);
  });

  it('lets nobody write with --read-only, and ends on SIGTERM', async () => {
    const readOnly = await spawnClickHouse({ args: ['--read-only'] });
    try {
      const client = createClient({
        url: readOnly.url,
        ...FULL_USER,
        log: { level: ClickHouseLogLevel.OFF },
      });
      await expect(client.command({ query: 'CREATE DATABASE d' })).rejects.toMatchObject({ code: '164' });
      await client.close();
    } finally {
      await readOnly.stop();
    }
  });
});
