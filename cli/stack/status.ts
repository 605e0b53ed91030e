import { readFile } from 'node:fs/promises';
import { formatSeconds } from '../progress.ts';
import { readCredentials } from './credentials.ts';
import { isRunning } from './process-identity.ts';
import { runCommand } from './run-command.ts';
import { answers, serverLog, serverUrl, stackAccess, type StackAccess } from './servers.ts';
import { readState, type StackService } from './state.ts';

export interface ServiceStatus {
  readonly name: string;
  readonly pid: number;
  /** Without a password. */
  readonly url: string;
  readonly version: string;
  readonly running: boolean;
  readonly answers: boolean;
  /** Absent where it has ended, or where its start is not known. */
  readonly uptimeSeconds: number | undefined;
  /** Memory of its main process. */
  readonly rssMb: number | undefined;
  readonly log: string;
}

/** What has been started, whether it still runs, and whether it answers. Changes nothing. */
export async function stackStatus(options: {
  readonly dir: string;
  readonly now?: () => number;
}): Promise<ServiceStatus[]> {
  const { dir, now = Date.now } = options;
  const { services, secure } = await readState(dir);
  const credentials = await readCredentials(dir);
  const access = credentials && (await stackAccess(dir, credentials, secure));
  return Promise.all(services.map((service) => statusOf(service, access, now())));
}

async function statusOf(
  service: StackService,
  access: StackAccess | undefined,
  nowMs: number,
): Promise<ServiceStatus> {
  const running = isRunning(service);
  const startedAtMs = service.startedAtMs === 0 ? undefined : service.startedAtMs;
  return {
    name: service.name,
    pid: service.pid,
    url: serverUrl(service),
    version: service.version,
    running,
    answers: running && access !== undefined && (await answers(service, access)),
    uptimeSeconds:
      running && startedAtMs !== undefined ? Math.round((nowMs - startedAtMs) / 1000) : undefined,
    rssMb: running ? await residentMb(service.pid) : undefined,
    log: serverLog(service),
  };
}

async function residentMb(pid: number): Promise<number | undefined> {
  const kb =
    process.platform === 'linux'
      ? /^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''))?.[1]
      : (await runCommand('ps', ['-o', 'rss=', '-p', String(pid)], 5000))?.output.trim();
  const value = Number(kb);
  return kb === undefined || kb === '' || !Number.isFinite(value) ? undefined : Math.round(value / 1024);
}

const HEADER = ['name', 'pid', 'url', 'version', 'state', 'up', 'memory', 'log'];

/** A table for a terminal, its columns as wide as their widest cell. */
export function statusTable(services: readonly ServiceStatus[]): string[] {
  const rows = services.map((service) => [
    service.name,
    String(service.pid),
    service.url,
    service.version === '' ? '-' : service.version,
    service.answers ? 'answers' : service.running ? 'runs, but does not answer' : 'has ended',
    service.uptimeSeconds === undefined ? '-' : formatSeconds(service.uptimeSeconds),
    service.rssMb === undefined ? '-' : `${service.rssMb} MB`,
    service.log,
  ]);
  const table = [HEADER, ...rows];
  const widths = HEADER.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
