import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdir, readdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PACKAGE_ROOT } from '../../schemas/package-root.ts';
import { runMillrace } from '../../test/harness/millrace-process.ts';
import { skipOrFail } from '../../test/harness/require-service.ts';
import { makeTemporaryDir, temporaryDir } from '../../test/harness/temporary-dir.ts';
import { waitUntil } from '../../test/harness/wait-until.ts';
import { kafkaLibDir } from './kafka-jars.ts';
import { recordedLaunch } from './launch.ts';
import { choosePort } from './ports.ts';
import { kafkaAnswers, redisAnswers } from './probe.ts';
import { endProcess, isRunning, processIdentity } from './process-identity.ts';
import { startRedis } from './redis-server.ts';
import { availableServices } from './services.ts';
import { DEFAULT_CACHE_DIR, stackDown, stackStatus, stackUp } from './stack.ts';
import { readState, stateFile } from './state.ts';

const { leftOut } = await availableServices(DEFAULT_CACHE_DIR);
const parts = skipOrFail(leftOut.map(({ service, reason }) => `${service}: ${reason}`).join(' '));
const redisPart = skipOrFail(leftOut.find(({ service }) => service === 'redis')?.reason ?? '');

/** A folder whose stack is ended and deleted with the test. */
async function stackDir(): Promise<string> {
  const temporary = await makeTemporaryDir();
  const dir = temporary.path;
  onTestFinished(async () => {
    await stackDown({ dir, wipe: true });
    await temporary.remove();
  });
  return dir;
}

describe.skipIf(parts.isMissing)(parts.title('a stack of its own'), () => {
  it('starts, answers, is idempotent, restarts what was killed, and ends', { timeout: 240_000 }, async () => {
    const dir = await stackDir();
    const first = await stackUp({ dir, anyPorts: true, heapMb: 256 });
    expect(first.brokers).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(first.redisUrl).toMatch(/^redis:\/\/127\.0\.0\.1:\d+$/);
    const before = await stackStatus({ dir });
    const names = ['redis', 'postgres', 'clickhouse', 'kafka-1'];
    expect(before.map(({ name, running, answers }) => ({ name, running, answers }))).toEqual(
      names.map((name) => ({ name, running: true, answers: true })),
    );
    for (const service of before) {
      expect(service.version).toMatch(/^\d+\.\d+/);
      expect(service.rssMb).toBeGreaterThan(1);
      expect(existsSync(service.log)).toBe(true);
    }
    const redis = (await readState(dir)).services[0]!;
    await setKey(redis.port, 'kept');

    expect(await stackUp({ dir, anyPorts: true })).toEqual(first);
    expect((await stackStatus({ dir })).map((service) => service.pid)).toEqual(
      before.map((service) => service.pid),
    );

    const kafka = before.find(({ name }) => name === 'kafka-1')!;
    // Redis syncs its file every second, so it is asked to end; the others are killed.
    for (const { name, pid } of before)
      if (name !== 'kafka-1') process.kill(pid, name === 'redis' ? 'SIGTERM' : 'SIGKILL');
    await expect
      .poll(async () => (await stackStatus({ dir })).filter(({ running }) => running), { timeout: 20_000 })
      .toMatchObject([{ name: 'kafka-1', pid: kafka.pid }]);
    expect(await stackUp({ dir, anyPorts: true })).toEqual(first);
    expect(await getKey(redis.port, 'kept')).toContain('yes');

    const other = stackUp({ dir, services: ['kafka'], brokers: 3, anyPorts: true });
    await expect(other).rejects.toMatchObject({ code: 'MR_STACK_START_FAILED' });
    const secure = stackUp({ dir, services: ['redis'], secure: true, anyPorts: true });
    await expect(secure).rejects.toMatchObject({ code: 'MR_STACK_START_FAILED' });

    const services = (await readState(dir)).services;
    const ended = await stackDown({ dir });
    expect(ended.map((service) => service.how)).toEqual(['ended', 'ended', 'ended', 'ended']);
    expect(services.filter((service) => isRunning(service))).toEqual([]);
    for (const { port } of services) expect(await choosePort(port)).toBe(port);
    expect(existsSync(stateFile(dir))).toBe(false);
    expect(before.map(({ log }) => existsSync(log))).toEqual([true, true, true, true]);
    expect(await stackDown({ dir, wipe: true })).toEqual([]);
    expect(await readdir(dir)).toEqual([]);
  });
});

describe.skipIf(redisPart.isMissing)(redisPart.title('a stack of Redis alone'), () => {
  it('goes to another port, and says so, where the usual one is taken', async () => {
    const dir = await stackDir();
    const blocker = createServer();
    await new Promise((resolve) =>
      blocker.once('listening', resolve).once('error', resolve).listen(6379, '127.0.0.1'),
    );
    onTestFinished(() => void blocker.close());
    const notices: string[] = [];
    const { redisUrl } = await stackUp({ dir, services: ['redis'], onNotice: (line) => notices.push(line) });
    const port = redisUrl.split(':').at(-1) ?? '';
    expect(notices).toEqual([`redis: port 6379 is in use by another program; it is on ${port}`]);
    expect(await redisAnswers(Number(port), 1000)).toBe(true);
  });

  it('is ended although its launcher was killed before it could note it', async () => {
    const dir = await stackDir();
    const launch = async () => (await startRedis(await choosePort(0), join(dir, 'redis'))).ref;
    const first = await launch();
    expect(await stackDown({ dir })).toEqual([{ name: 'redis', pid: first.pid, how: 'ended' }]);
    const second = await launch();
    await stackUp({ dir, services: ['redis'], anyPorts: true });
    expect(isRunning(second)).toBe(false);
    expect(await stackStatus({ dir })).toMatchObject([{ name: 'redis', answers: true }]);
  });

  it('leaves nothing that `down` does not find when `up` is killed half-way', {
    timeout: 60_000,
  }, async () => {
    const dir = await stackDir();
    const args = ['stack', 'up', '--services', 'redis', '--any-ports', '--dir', dir];
    const launcher = runMillrace(args, {});
    const record = await waitUntil(() => recordedLaunch(join(dir, 'redis')), {
      what: 'the start of Redis',
      timeoutMs: 30_000,
    });
    launcher.child.kill('SIGKILL');
    await launcher.ended;
    await stackDown({ dir });
    expect(isRunning(record)).toBe(false);
    expect(existsSync(stateFile(dir))).toBe(false);
    expect(existsSync(join(dir, 'lock'))).toBe(false);
  });
});

const NOBODY = 65_534;
const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
/** A checkout below a folder of root alone cannot be run by anybody else. */
function closedCheckout(): string {
  const main = join(PACKAGE_ROOT, 'cli', 'main.ts');
  const script = `require('node:fs').accessSync(${JSON.stringify(main)})`;
  return spawnSync(process.execPath, ['-e', script], { ...user, cwd: '/' }).status === 0
    ? ''
    : 'only root may read this checkout';
}
const normalUser = skipOrFail([...leftOut.map(({ reason }) => reason), closedCheckout()].join(' ').trim());

describe.skipIf(normalUser.isMissing)(normalUser.title('a stack of a normal user'), () => {
  it('starts and ends', { timeout: 120_000 }, async () => {
    const dir = await temporaryDir();
    if (user.uid !== undefined) await chown(dir, user.uid, user.gid);
    const millrace = async (...args: string[]) => {
      const main = ['--import', 'tsx', join(PACKAGE_ROOT, 'cli', 'main.ts')];
      const child = spawn(process.execPath, [...main, 'stack', ...args, '--dir', join(dir, 'stack')], {
        ...user,
        cwd: PACKAGE_ROOT,
        env: { PATH: process.env['PATH'], HOME: dir, TMPDIR: dir },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      child.stdout.on('data', (part: Buffer) => (output += part.toString()));
      child.stderr.on('data', (part: Buffer) => (output += part.toString()));
      const [code] = (await once(child, 'close')) as [number | null];
      return { code, output };
    };
    const services = ['--services', 'redis,postgres,clickhouse'];
    const up = await millrace('up', ...services, '--any-ports', '--json');
    const status = await millrace('status', '--json');
    const down = await millrace('down', '--wipe');
    expect(up).toMatchObject({ code: 0 });
    expect(status).toMatchObject({ code: 0 });
    expect(down.output.match(/: ended$/gm)).toHaveLength(3);
    expect(await readdir(join(dir, 'stack'))).toEqual([]);
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
