import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { skipOrFail } from '../../test/harness/require-service.ts';
import { makeTemporaryDir, temporaryDir } from '../../test/harness/temporary-dir.ts';
import { installedJava, kafkaJarsCached, kafkaLibDir } from './kafka-jars.ts';
import { choosePort } from './ports.ts';
import { kafkaAnswers, redisAnswers } from './probe.ts';
import { endProcess, isRunning, processIdentity } from './process-identity.ts';
import { redisInstalled } from './redis-server.ts';
import { DEFAULT_CACHE_DIR, stackDown, stackStatus, stackUp } from './stack.ts';
import { readState, stateFile } from './state.ts';

async function missingParts(): Promise<string> {
  const java = await installedJava();
  const parts = [
    java === undefined || java < 17 ? 'Java 17' : '',
    kafkaJarsCached(DEFAULT_CACHE_DIR) ? '' : 'the jars of Kafka (`millrace stack up`)',
    (await redisInstalled()) ? '' : 'redis-server',
  ].filter((part) => part !== '');
  return parts.length === 0 ? '' : `without ${parts.join(', ')}`;
}

const parts = skipOrFail(await missingParts());

describe.skipIf(parts.isMissing)(parts.title('a stack of its own'), () => {
  let dir = '';
  beforeAll(async () => {
    const temporary = await makeTemporaryDir();
    dir = temporary.path;
    return async () => {
      await stackDown({ dir, wipe: true });
      await temporary.remove();
    };
  });

  it('starts, answers, is idempotent, restarts what was killed, and ends', { timeout: 180_000 }, async () => {
    const first = await stackUp({ dir, anyPorts: true, heapMb: 256 });
    expect(first.brokers).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(first.redisUrl).toMatch(/^redis:\/\/127\.0\.0\.1:\d+$/);
    const before = await stackStatus({ dir });
    expect(before.map(({ name, running, answers }) => ({ name, running, answers }))).toEqual([
      { name: 'redis', running: true, answers: true },
      { name: 'kafka-1', running: true, answers: true },
    ]);
    const redis = (await readState(dir)).services[0]!;
    await setKey(redis.port, 'kept');

    expect(await stackUp({ dir, anyPorts: true })).toEqual(first);
    expect((await stackStatus({ dir })).map((service) => service.pid)).toEqual(
      before.map((service) => service.pid),
    );

    await endProcess(redis, 20_000);
    expect((await stackStatus({ dir }))[0]).toMatchObject({ name: 'redis', running: false, answers: false });
    expect(await stackUp({ dir, anyPorts: true })).toEqual(first);
    expect(await getKey(redis.port, 'kept')).toContain('yes');

    const services = (await readState(dir)).services;
    const ended = await stackDown({ dir });
    expect(ended.map((service) => service.how)).toEqual(['ended', 'ended']);
    expect(services.filter((service) => isRunning(service))).toEqual([]);
    expect(existsSync(stateFile(dir))).toBe(false);
    expect(await stackDown({ dir })).toEqual([]);
  });

  it('refuses another number of brokers while it runs', { timeout: 120_000 }, async () => {
    await stackUp({ dir, services: ['kafka'], anyPorts: true, heapMb: 256 });
    const other = stackUp({ dir, services: ['kafka'], brokers: 3, anyPorts: true });
    await expect(other).rejects.toMatchObject({ code: 'MR_STACK_START_FAILED' });
    expect((await stackStatus({ dir })).map((service) => service.answers)).toEqual([true]);
    await stackDown({ dir, wipe: true });
  });
});

function redisCommand(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(`${text}\r\n`));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString());
    });
    socket.once('error', reject);
  });
}
const setKey = (port: number, key: string) => redisCommand(port, `SET ${key} yes`);
const getKey = (port: number, key: string) => redisCommand(port, `GET ${key}`);

describe('endProcess', () => {
  it('ends a process, and leaves one alone that only has its pid', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const pid = child.pid!;
    const identity = processIdentity(pid)!;
    expect(await endProcess({ pid, identity: 'earlier-boot/1' }, 1000)).toBe('gone');
    expect(isRunning({ pid, identity })).toBe(true);
    expect(await endProcess({ pid, identity }, 5000)).toBe('ended');
    expect(await endProcess({ pid, identity }, 5000)).toBe('gone');
  });

  it('kills a process that does not listen to SIGTERM', async () => {
    const script =
      "process.on('SIGTERM', () => undefined); console.log('up'); setInterval(() => undefined, 1000)";
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout, 'data');
    const pid = child.pid!;
    expect(await endProcess({ pid, identity: processIdentity(pid)! }, 200)).toBe('killed');
  });
});

describe('ports and probes', () => {
  it('takes the preferred port where it is free, and another one where it is not', async () => {
    const free = await choosePort(0);
    expect(await choosePort(free)).toBe(free);
    expect(await choosePort(free, new Set([free]))).not.toBe(free);
    const server = createServer().listen(free, '127.0.0.1');
    await once(server, 'listening');
    expect(await choosePort(free)).not.toBe(free);
    server.close();
  });

  it('hears no answer from a port without a server, a silent server and another protocol', async () => {
    const port = await choosePort(0);
    expect(await kafkaAnswers(port, 500)).toBe(false);
    const silent = createServer(() => undefined).listen(port, '127.0.0.1');
    await once(silent, 'listening');
    expect(await redisAnswers(port, 100)).toBe(false);
    silent.close();
    const other = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(
      0,
      '127.0.0.1',
    );
    await once(other, 'listening');
    const address = other.address();
    const otherPort = typeof address === 'object' ? (address?.port ?? 0) : 0;
    expect(await redisAnswers(otherPort, 500)).toBe(false);
    expect(await kafkaAnswers(otherPort, 500)).toBe(false);
    other.close();
  });
});

describe.skipIf(parts.isMissing)(parts.title('a start that fails'), () => {
  it('leaves nothing running and no state', async () => {
    const dir = await temporaryDir();
    const jarless = stackUp({ dir, services: ['kafka'], anyPorts: true, cacheDir: await emptyCache() });
    await expect(jarless).rejects.toMatchObject({ code: 'MR_STACK_START_FAILED' });
    expect(existsSync(stateFile(dir))).toBe(false);
  });
});

/** A cache whose folder of jars is there, but empty. */
async function emptyCache(): Promise<string> {
  const cacheDir = await temporaryDir();
  await mkdir(kafkaLibDir(cacheDir), { recursive: true });
  return cacheDir;
}
