import { spawn } from 'node:child_process';
import { lastLines, runCommand, type CommandResult } from './run-command.ts';
import { MillraceError } from '../../platform/errors.ts';

/** A user of the system that PostgreSQL runs as, since it refuses to run as root. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The first that exists is taken; none is ever made. */
const NAMES = ['postgres', 'nobody'] as const;

/**
 * The account of a new server; undefined where this process is not root and the server runs as its own user.
 * @throws MillraceError MR_STACK_START_FAILED where root has none of the users to run it as
 */
export async function postgresAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of NAMES) {
    const uid = await idOf(name, '-u');
    const gid = await idOf(name, '-g');
    if (uid !== undefined && uid !== 0 && gid !== undefined) return { name, uid, gid };
  }
  throw new MillraceError(
    'MR_STACK_START_FAILED',
    `PostgreSQL does not run as root, and this machine has none of the users ${NAMES.join(', ')}.`,
  );
}

async function idOf(name: string, flag: '-u' | '-g'): Promise<number | undefined> {
  const result = await runCommand('id', [flag, name], 10_000);
  const id = Number(result?.output.trim());
  return result?.code === 0 && Number.isSafeInteger(id) ? id : undefined;
}

export interface Run {
  readonly command: string;
  readonly args: readonly string[];
  /** Becomes file descriptor 3. */
  readonly folderFd?: number;
  /** Goes to stdin. */
  readonly input?: string;
}

/** Runs a program as the account, or as this process's user where there is none; one that cannot be run has no code. */
export function runAs(account: Account | undefined, run: Run): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(run.command, run.args, {
      stdio: ['pipe', 'pipe', 'pipe', ...(run.folderFd === undefined ? [] : [run.folderFd])],
      timeout: 120_000,
      cwd: '/',
      ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
    });
    let output = '';
    const keep = (part: Buffer) => {
      output = lastLines(output + part.toString(), 100);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.stdin?.on('error', () => undefined); // a program that ends early; its code tells
    child.stdin?.end(run.input ?? '');
    child.once('error', (error) => resolve({ code: null, output: error.message }));
    child.once('close', (code) => resolve({ code, output }));
  });
}
