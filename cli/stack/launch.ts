import { spawn, type ChildProcess } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../platform/errors.ts';
import { isRunning, processIdentity, type ProcessRef } from './process-identity.ts';
import { lastLines } from './run-command.ts';

const CONSOLE_LOG = 'console.log';
/** Name of a server's own log in its folder. */
export const SERVER_LOG = 'server.log';

export interface Launch {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Folder of the server: console.log takes stdout and stderr, server.log is its own. */
  readonly dir: string;
}

/** A server that has been started, now or earlier. */
export interface Launched {
  readonly name: string;
  readonly dir: string;
  readonly ref: ProcessRef;
}

/** Starts a server in a process group of its own, so that it outlives this process and its terminal. */
export async function launchDetached(launch: Launch): Promise<Launched> {
  const output = await open(join(launch.dir, CONSOLE_LOG), 'a');
  try {
    const child = spawn(launch.command, launch.args, {
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
    });
    const pid = await untilSpawned(child, launch);
    child.unref();
    const identity = processIdentity(pid);
    if (identity === undefined) throw await startFailure(launch, 'ended at once');
    return { name: launch.name, dir: launch.dir, ref: { pid, identity } };
  } finally {
    await output.close();
  }
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
