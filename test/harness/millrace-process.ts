import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PACKAGE_ROOT } from '../../schemas/package-root.ts';

/** Arguments of Node.js that run `millrace`, compiled or from the sources as this process itself runs. */
export function millraceMain(): readonly string[] {
  const ending = extname(import.meta.filename);
  const main = fileURLToPath(new URL(`../../cli/main${ending}`, import.meta.url));
  return ending === '.ts' ? ['--import', 'tsx', main] : [main];
}

export interface MillraceProcess {
  readonly child: ChildProcess;
  /** Everything written to stderr so far. */
  stderr(): string;
  /** Resolves with the exit code (null after a signal) and what was written to stdout. */
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string }>;
}

/** Runs `millrace …` as a process of its own. The environment holds nothing but what is given. */
export function runMillrace(args: readonly string[], env: Readonly<Record<string, string>>): MillraceProcess {
  const child = spawn(process.execPath, [...millraceMain(), ...args], {
    cwd: PACKAGE_ROOT,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      MR_LOG_LEVEL: 'warn',
      MR_MIN_FREE_DISK_MB: '100',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout }));
  return { child, stderr: () => stderr, ended };
}

/** The last line of what a command wrote to stdout, as the JSON that it is. */
export function lastJson(stdout: string): Record<string, number> {
  const line = stdout.trim().split('\n').at(-1) ?? '';
  return JSON.parse(line) as Record<string, number>;
}
