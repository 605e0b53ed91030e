import { spawn, type ChildProcess } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../platform/errors.ts';
import { isRunning, processIdentity, recordedIdentity, type ProcessRef } from './process-identity.ts';
import { lastLines } from './run-command.ts';

/** Name of the file that takes what a server writes to its terminal. */
export const CONSOLE_LOG = 'console.log';
const LAUNCH_RECORD = 'launched';
/** Name of a server's own log in its folder. */
export const SERVER_LOG = 'server.log';

export interface Launch {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Folder of the server: console.log takes stdout and stderr, server.log is its own. */
  readonly dir: string;
  /** User of the system to run as, where it is not this process's own. */
  readonly account?: { readonly uid: number; readonly gid: number };
  /** An open file that becomes descriptor 3 of the server. */
  readonly inheritFd?: number;
  /** Its whole environment, where it is not this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A server that has been started, now or earlier. */
export interface Launched {
  readonly name: string;
  readonly dir: string;
  readonly ref: ProcessRef;
}

/**
 * A shell that writes down which process it is before it becomes the server, so that {@link recordedLaunch} finds a
 * server whose launcher was killed before it could note anything. The file comes open, as descriptor 4, since the
 * server's user may have no right to the folder.
 */
const RECORD_THEN_RUN =
  'if [ -r /proc/self/stat ]; then cat "/proc/$$/stat" /proc/sys/kernel/random/boot_id >&4; fi; exec 4>&-; exec "$@"';

/** Starts a server in a process group of its own, so that it outlives this process and its terminal. */
export async function launchDetached(launch: Launch): Promise<Launched> {
  const output = await open(join(launch.dir, CONSOLE_LOG), 'a', 0o600);
  const record = await open(join(launch.dir, LAUNCH_RECORD), 'w', 0o600);
  try {
    const child = spawn('/bin/sh', ['-c', RECORD_THEN_RUN, 'sh', launch.command, ...launch.args], {
      detached: true,
      stdio: ['ignore', output.fd, output.fd, launch.inheritFd ?? 'ignore', record.fd],
      ...(launch.account === undefined ? {} : { uid: launch.account.uid, gid: launch.account.gid }),
      ...(launch.env === undefined ? {} : { env: launch.env }),
      ...(launch.cwd === undefined ? {} : { cwd: launch.cwd }),
    });
    const pid = await untilSpawned(child, launch);
    child.unref();
    await untilRecorded(launch.dir, pid);
    const identity = processIdentity(pid);
    if (identity === undefined) throw await startFailure(launch, 'ended at once');
    return { name: launch.name, dir: launch.dir, ref: { pid, identity } };
  } finally {
    await output.close();
    await record.close();
  }
}

/** From here on the server is found again, whatever happens to this process. */
async function untilRecorded(dir: string, pid: number): Promise<void> {
  if (process.platform !== 'linux') return;
  while ((await recordedLaunch(dir))?.pid !== pid && processIdentity(pid) !== undefined) await sleep(2);
}

/** The server that was last launched in this folder, whether it still runs or not. */
export async function recordedLaunch(dir: string): Promise<ProcessRef | undefined> {
  const text = await readFile(join(dir, LAUNCH_RECORD), 'utf8').catch(() => ''); // Nothing has been launched here.
  const [stat = '', bootId = ''] = text.split('\n');
  return recordedIdentity(stat, bootId);
}

function untilSpawned(child: ChildProcess, launch: Launch): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      const message = `${launch.name}: ${launch.command} could not be run.`;
      reject(new MillraceError('MR_STACK_START_FAILED', message, { cause }));
    });
    child.once('spawn', () => resolve(child.pid ?? 0));
  });
}

/**
 * Waits until the server answers.
 * @throws MillraceError MR_STACK_START_FAILED with the end of its log where it ends or the deadline passes.
 */
export async function untilAnswers(
  launched: Launched,
  answers: () => Promise<boolean>,
  deadlineMs: number,
): Promise<void> {
  while (!(await answers())) {
    if (!isRunning(launched.ref)) throw await startFailure(launched, 'ended before it answered');
    if (performance.now() > deadlineMs) throw await startFailure(launched, 'did not answer in time');
    await sleep(100);
  }
}

async function startFailure(server: Pick<Launched, 'name' | 'dir'>, what: string): Promise<MillraceError> {
  const tails: string[] = [];
  for (const name of [SERVER_LOG, CONSOLE_LOG]) {
    const file = join(server.dir, name);
    const text = await readFile(file, 'utf8').catch(() => ''); // A server that fails early has written no log.
    if (text.trim() !== '') tails.push(`--- end of ${file}\n${lastLines(text, 15)}`);
  }
  return new MillraceError('MR_STACK_START_FAILED', [`${server.name} ${what}.`, ...tails].join('\n'));
}
