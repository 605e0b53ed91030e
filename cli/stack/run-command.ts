import { spawn } from 'node:child_process';

export interface CommandResult {
  /** Exit code; null where a signal or the time limit ended the command. */
  readonly code: number | null;
  /** stdout and stderr as they came, the last 64 KB. */
  readonly output: string;
}

const KEPT_BYTES = 65_536;

/**
 * Runs a program of the system to its end.
 * @returns undefined where there is no such program on the PATH.
 */
export function runCommand(
  command: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<CommandResult | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs });
    let output = '';
    const keep = (part: Buffer) => {
      output = (output + part.toString()).slice(-KEPT_BYTES);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve(undefined);
      else reject(error);
    });
    child.once('close', (code) => resolve({ code, output }));
  });
}

/** The last lines of a text, for a message. */
export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
