import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A text that is the same as long as this pid is the same process: boot id and start time. A pid alone is not enough,
 * since the system gives it to another process after the first one has ended.
 * @returns undefined where no such process runs; a zombie counts as ended.
 */
export function processIdentity(pid: number): string | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return process.platform === 'linux' ? linuxIdentity(pid) : psIdentity(pid);
}

/** State and start time out of `/proc/<pid>/stat` (proc(5)); the name in parentheses may itself hold anything. */
export function parseProcStat(
  stat: string,
): { readonly state: string; readonly startTicks: string } | undefined {
  const fields = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(/\s+/);
  const [state, startTicks] = [fields[0], fields[19]];
  return state === undefined || startTicks === undefined ? undefined : { state, startTicks };
}

/** The identity of the process whose `/proc/<pid>/stat` and boot id were written down. */
export function recordedIdentity(stat: string, bootId: string): ProcessRef | undefined {
  const pid = Number.parseInt(stat, 10);
  const startTicks = parseProcStat(stat)?.startTicks;
  if (!Number.isSafeInteger(pid) || startTicks === undefined || bootId.trim() === '') return undefined;
  return { pid, identity: `${bootId.trim()}/${startTicks}` };
}

function linuxIdentity(pid: number): string | undefined {
  try {
    const stat = parseProcStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return undefined;
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${bootId}/${stat.startTicks}`;
  } catch {
    // No such file: the process has ended.
    return undefined;
  }
}

function psIdentity(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
  } catch {
    // ps ends with 1 where there is no such process.
    return undefined;
  }
}

/** A process that was started earlier, perhaps by another process of ours. */
export interface ProcessRef {
  readonly pid: number;
  readonly identity: string;
}

export function isRunning(ref: ProcessRef): boolean {
  return processIdentity(ref.pid) === ref.identity;
}

/**
 * SIGTERM, and SIGKILL after `graceMs`. Does nothing where the pid now belongs to another process.
 * @returns how it ended; `gone` where it was not running any more.
 */
export async function endProcess(ref: ProcessRef, graceMs: number): Promise<'gone' | 'ended' | 'killed'> {
  if (!isRunning(ref)) return 'gone';
  signal(ref, 'SIGTERM');
  if (await untilEnded(ref, graceMs)) return 'ended';
  signal(ref, 'SIGKILL');
  await untilEnded(ref, 5000);
  return 'killed';
}

function signal(ref: ProcessRef, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    if (isRunning(ref)) process.kill(ref.pid, name);
  } catch (error) {
    // It ended between the look and the signal.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function untilEnded(ref: ProcessRef, timeoutMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  while (isRunning(ref)) {
    if (performance.now() > deadlineMs) return false;
    await sleep(50);
  }
  return true;
}
