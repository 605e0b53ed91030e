import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createAuthority, issueIdentity } from '../../cli/stack/certificates.ts';
import { redisInstalled } from '../../cli/stack/redis-server.ts';
import { skipOrFail } from '../../test/harness/require-service.ts';
import { spawnRedis, type SpawnedRedis } from '../../test/harness/spawn-redis.ts';
import { makeTemporaryDir, type TemporaryDir } from '../../test/harness/temporary-dir.ts';
import { Secret, type RedisConfig } from '../config.ts';
import { openOnlineStore } from './index.ts';

const binary = skipOrFail((await redisInstalled()) ? '' : 'no redis-server is on the PATH');
const DAY_MS = 86_400_000;
const days = (from: number, to: number) => ({
  from: new Date(Date.now() + from * DAY_MS),
  to: new Date(Date.now() + to * DAY_MS),
});
const PASSWORD = 'p4ss/w0rd@%';

/** Opens a store, with everything that was logged. */
function opening(url: string, more: Partial<RedisConfig> = {}) {
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  const opened = openOnlineStore({
    redis: { url: new Secret(url), ...more },
    dataDir: '.',
    keyPrefix: '',
    log,
  });
  return { opened, logged: () => lines.join('\n') };
}

async function failure(opened: Promise<unknown>): Promise<Error> {
  const outcome = await opened.then(
    () => new Error('it opened'),
    (error: unknown) => error as Error,
  );
  return outcome;
}

describe.skipIf(binary.isMissing)(binary.title('a Redis with a password'), () => {
  let redis: SpawnedRedis;
  beforeAll(async () => {
    redis = await spawnRedis({ extra: ['--requirepass', PASSWORD] });
  });
  afterAll(() => redis.stop());

  const at = (credentials: string) => `redis://${credentials}127.0.0.1:${redis.port}`;

  it.each([
    ['a wrong password', ':wr0ng-secret@'],
    ['a user that does not exist', 'nobody:wr0ng-secret@'],
    ['no password', ''],
  ])('refuses %s at once, and neither error nor log shows it', async (_what, credentials) => {
    const { opened, logged } = opening(at(credentials));
    const startedMs = performance.now();
    const error = await failure(opened);
    expect(error).toMatchObject({ code: 'MR_ENGINE_AUTH_FAILED', retryable: false });
    expect(performance.now() - startedMs).toBeLessThan(2000);
    expect(inspect(error, { depth: 10, showHidden: true }) + logged()).not.toContain('wr0ng-secret');
  });

  it('takes the right one, also with characters that a URL must escape, and never shows it', async () => {
    const { opened, logged } = opening(at(`:${encodeURIComponent(PASSWORD)}@`));
    const store = await opened;
    await store.ping(1000);
    expect(await store.info(1000)).toMatchObject({ where: `127.0.0.1:${redis.port}` });
    await redis.kill();
    const error = await failure(store.readMany(['k']));
    await store.close();
    await redis.restart();
    expect(inspect(error, { depth: 10, showHidden: true }) + logged()).not.toMatch(/p4ss/);
  });
});

describe.skipIf(binary.isMissing)(binary.title('a Redis with TLS'), () => {
  let dir: TemporaryDir;
  let redis: SpawnedRedis;
  let expired: SpawnedRedis;
  const file = (name: string) => join(dir.path, name);
  const spawnTls = (name: string) =>
    spawnRedis({
      extra: Object.entries({
        '--tls-auth-clients': 'no',
        '--tls-ca-cert-file': file('ca.pem'),
        '--tls-cert-file': file(`${name}.pem`),
        '--tls-key-file': file(`${name}.key`),
      }).flat(),
      tls: true,
    });

  beforeAll(async () => {
    dir = await makeTemporaryDir();
    const [authority, other] = [
      await createAuthority('ca', days(-9, 1)),
      await createAuthority('other', days(-9, 1)),
    ];
    await writeFile(file('ca.pem'), authority.certificate);
    await writeFile(file('other-ca.pem'), other.certificate);
    for (const [name, validity] of [
      ['server', days(-1, 1)],
      ['expired', days(-3, -1)],
    ] as const) {
      const { certificate, key } = await issueIdentity(authority, ['127.0.0.1'], validity);
      await writeFile(file(`${name}.pem`), certificate);
      await writeFile(file(`${name}.key`), key);
    }
    redis = await spawnTls('server');
    expired = await spawnTls('expired');
  });
  afterAll(async () => {
    await redis.stop();
    await expired.stop();
    await dir.remove();
  });

  it('is reached over rediss: with its authority, subscriptions included', async () => {
    const store = await opening(redis.url, { caFile: file('ca.pem') }).opened;
    const received: string[] = [];
    await store.subscribe('c', (message) => received.push(message));
    expect(await store.setIfNewer([{ key: 'k', value: 'v', version: 1, ttlMs: 1000 }])).toEqual([true]);
    await store.publish('c', 'm');
    await expect.poll(() => received).toEqual(['m']);
    await store.close();
  });

  it.each([
    ['an unknown authority', () => opening(redis.url, { caFile: file('other-ca.pem') }), /known authority/],
    ['an authority that Node.js does not know', () => opening(redis.url), /known authority/],
    ['an expired certificate', () => opening(expired.url, { caFile: file('ca.pem') }), /has expired/],
  ])('is refused with %s', async (_what, open, words) => {
    const error = await failure(open().opened);
    expect(error).toMatchObject({ code: 'MR_ENGINE_TLS_FAILED', retryable: false });
    expect(error.message).toMatch(words);
  });

  it('is a fault of the configuration where the file of the authority is not there', async () => {
    const error = await failure(opening(redis.url, { caFile: file('no.pem') }).opened);
    expect(error).toMatchObject({ code: 'MR_CONFIG_INVALID', retryable: false });
    expect(error.message).toMatch(/MR_REDIS_CA_FILE.*ENOENT/);
  });

  it('says so where only one side expects TLS', async () => {
    const plain = await spawnRedis();
    onTestFinished(() => plain.stop());
    const [withTls, without] = await Promise.all([
      failure(opening(plain.url.replace('redis:', 'rediss:')).opened),
      failure(opening(redis.url.replace('rediss:', 'redis:')).opened),
    ]);
    expect(withTls.message).toMatch(/perhaps it does not expect TLS/);
    expect(without.message).toMatch(/perhaps it expects TLS/);
  });
});

describe('a Redis that is not what was expected', () => {
  it('gives an unknown host up at once, in words', async () => {
    const startedMs = performance.now();
    const error = await failure(opening('redis://:s3cret@no-such-host.invalid:6379').opened);
    expect(error).toMatchObject({ code: 'MR_ONLINE_STORE_UNAVAILABLE', retryable: true });
    expect(error.message).toMatch(/no-such-host\.invalid:6379: the name of the host is not known/);
    expect(error.message).not.toContain('s3cret');
    expect(performance.now() - startedMs).toBeLessThan(6000);
  });

  it.each([
    ['redis_version:6.2.14\r\n', /Redis 6\.2\.14 is too old: Millrace needs 7\.0/],
    ['redis_version:5.0.0\r\n', /Redis 5\.0\.0 is too old/],
  ])('refuses a server that says %j', async (info, words) => {
    const error = await failure(opening(`redis://127.0.0.1:${await oldServer(info)}`).opened);
    expect(error).toMatchObject({ code: 'MR_ENGINE_TOO_OLD', retryable: false });
    expect(error.message).toMatch(words);
  });

  it('takes a Valkey of any version, and names it', async () => {
    const port = await oldServer('redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.3\r\n');
    const store = await opening(`redis://127.0.0.1:${port}`).opened;
    expect(await store.info(1000)).toEqual({
      engine: 'Valkey',
      version: '8.1.3',
      where: `127.0.0.1:${port}`,
    });
    await store.close();
  });
});

/** A server that knows no command but INFO, and HELLO as little as Redis 5 does. */
async function oldServer(info: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      // One answer for each command: commands are arrays, which begin with a star.
      for (const command of chunk.toString().split(/(?=\*\d+\r\n\$)/)) {
        if (/hello/i.test(command)) socket.write("-ERR unknown command 'HELLO'\r\n");
        else if (/info/i.test(command) && !/setinfo/i.test(command))
          socket.write(`$${Buffer.byteLength(info)}\r\n${info}\r\n`);
        else socket.write('+OK\r\n');
      }
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
