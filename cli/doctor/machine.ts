/** What `millrace doctor` looks at on this machine. */
import { X509Certificate } from 'node:crypto';
import { constants, readFileSync } from 'node:fs';
import { access, mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { Config } from '../../platform/config.ts';
import { requireFreeDisk } from '../../platform/disk.ts';
import { MillraceError, errorText } from '../../platform/errors.ts';
import { isAtLeast } from '../../platform/version.ts';
import type { Check } from './check.ts';

const DAY_MS = 86_400_000;
const EXPIRES_SOON_DAYS = 30;
const GIB = 1024 ** 3;
/** What everything in one process needs, with room for the operating system (docs/memory.md). */
const LEAST_MEMORY_BYTES = 4 * GIB;

export function checkNode(version: string, least: string): Check {
  return isAtLeast(version, least)
    ? { name: 'node', status: 'ok', found: `Node.js ${version}` }
    : {
        name: 'node',
        status: 'failed',
        found: `Node.js ${version}`,
        fix: `Install Node.js ${least} or newer.`,
      };
}

export function checkMemory(bytes: number = totalmem()): Check {
  const found = `${(bytes / GIB).toFixed(1)} GiB of memory`;
  return bytes >= LEAST_MEMORY_BYTES
    ? { name: 'memory', status: 'ok', found }
    : {
        name: 'memory',
        status: 'warning',
        found,
        fix: 'Run the stages on several machines, or real servers elsewhere.',
      };
}

/** Free space, and whether this user may write into the data folder or make it. */
export async function checkDataDir(config: Pick<Config, 'dataDir' | 'minFreeDiskMb'>): Promise<Check> {
  const { dataDir, minFreeDiskMb } = config;
  try {
    await requireFreeDisk(dataDir, minFreeDiskMb);
    const folder = await nearest(resolve(dataDir));
    await access(folder, constants.W_OK | constants.X_OK);
    await rm(await mkdtemp(`${folder}/.doctor-`), { recursive: true }); // a read-only mount passes access()
    return { name: 'data folder', status: 'ok', found: `${dataDir}, at least ${minFreeDiskMb} MB free` };
  } catch (error) {
    const fix =
      error instanceof MillraceError
        ? error.fix
        : 'Give this user the folder, or set MR_DATA_DIR to another one.';
    return { name: 'data folder', status: 'failed', found: errorText(error), fix };
  }
}

async function nearest(path: string): Promise<string> {
  try {
    if ((await stat(path)).isDirectory()) return path;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    return nearest(dirname(path));
  }
  throw new Error(`${path} is not a folder`);
}

/** Whether a port that a stage would bind to is free. */
export async function checkPort(setting: string, host: string, port: number): Promise<Check> {
  const name = `port ${port}`;
  if (port === 0) return { name, status: 'ok', found: `${setting}: any free one` };
  const code = await new Promise<string | undefined>((resolved) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolved(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolved(undefined)));
  });
  if (code === undefined) return { name, status: 'ok', found: `${setting}: free on ${host}` };
  const found = `${setting}: ${code === 'EADDRINUSE' ? 'in use' : code} on ${host}`;
  return {
    name,
    status: 'warning',
    found,
    fix: `Right where Millrace runs already; else choose another ${setting}.`,
  };
}

/** Whether a certificate file can be read and has not expired. */
export function checkCertificate(setting: string, path: string, nowMs: number): Check {
  const name = setting;
  try {
    const text = readFileSync(path);
    const { validTo, subject } = new X509Certificate(text);
    const days = Math.floor((Date.parse(validTo) - nowMs) / DAY_MS);
    const found = `${path} (${subject.replaceAll('\n', ', ')}), valid until ${validTo}`;
    if (days < 0)
      return { name, status: 'failed', found: `expired: ${found}`, fix: 'Renew the certificate.' };
    return days < EXPIRES_SOON_DAYS
      ? { name, status: 'warning', found: `${days} days left: ${found}`, fix: 'Renew the certificate.' }
      : { name, status: 'ok', found };
  } catch (error) {
    return {
      name,
      status: 'failed',
      found: `${path}: ${errorText(error)}`,
      fix: `Point ${setting} at a PEM file.`,
    };
  }
}
