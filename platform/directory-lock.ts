import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from './errors.ts';
import { shortFolder } from './socket-path.ts';

export interface DirectoryLock {
  release(): Promise<void>;
}

const LOCK_DIR = 'lock';
const ATTEMPTS = 5;

/**
 * Makes this process the only owner of a directory; rejects with MR_EMBEDDED_IN_USE while another one is. The lock is a
 * listening Unix socket in the directory: the kernel closes it with the process however that ends, so a socket that
 * refuses connections is stale whatever happened to the pid. Each contender listens first and looks around second; of
 * two that come together at least one sees the other and backs off, then tries again after a random pause.
 */
export async function lockDirectory(dir: string): Promise<DirectoryLock> {
  try {
    return await lockIn(join(dir, LOCK_DIR), dir);
  } catch (error) {
    if (!isWithoutSockets(error)) throw error;
    // Some network and shared folders take no sockets; the temporary folder still serves the processes of this host.
    const hash = createHash('sha256').update(realpathSync(dir)).digest('hex').slice(0, 16);
    return lockIn(join(tmpdir(), `millrace-${hash}`), dir);
  }
}

async function lockIn(lockDir: string, dir: string): Promise<DirectoryLock> {
  mkdirSync(lockDir, { recursive: true });
  const short = shortFolder(lockDir);
  try {
    for (let attempt = 1; ; attempt++) {
      const name = `${process.pid}-${randomBytes(4).toString('hex')}`;
      const server = await listen(join(short.path, name));
      const release = async () => {
        await closeServer(server);
        rmSync(join(lockDir, name), { force: true });
      };
      const owner = await findOther(lockDir, short.path, name);
      if (owner === undefined) return { release };
      await release();
      if (attempt === ATTEMPTS) throw inUse(dir, owner);
      await sleep(20 + Math.random() * 80);
    }
  } finally {
    short.remove();
  }
}

const withoutSocketsCodes: readonly unknown[] = ['ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'EINVAL'];

function isWithoutSockets(error: unknown): boolean {
  return error instanceof Error && 'code' in error && withoutSocketsCodes.includes(error.code);
}

function inUse(dir: string, owner: string): MillraceError {
  return new MillraceError('MR_EMBEDDED_IN_USE', 'another process owns this directory', {
    context: { dir, ownerPid: Number(owner.split('-')[0]) },
  });
}

/** Name of a socket that answers, other than ours. Stale ones are removed on the way. */
async function findOther(lockDir: string, socketDir: string, ours: string): Promise<string | undefined> {
  for (const name of readdirSync(lockDir)) {
    if (name === ours) continue;
    if (await answers(join(socketDir, name))) return name;
    rmSync(join(lockDir, name), { force: true });
  }
  return undefined;
}

const goneCodes: readonly unknown[] = ['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'];

/** An error that does not prove the owner dead counts as an answer. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(!goneCodes.includes(error.code)));
  });
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.destroy();
    });
    server.once('error', reject);
    server.listen({ path, exclusive: true }, () => {
      // The lock alone must not keep the process alive.
      server.unref();
      resolve(server);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}
