import { getuid } from 'node:process';
import { MillraceError } from '../../platform/errors.ts';
import { installedJava } from './kafka-jars.ts';
import { redisInstalled } from './redis-server.ts';
import { lastLines, runCommand } from './run-command.ts';

export interface Installed {
  readonly java: number | undefined;
  readonly maven: boolean;
  readonly redis: boolean;
}

/** Debian packages that are missing for the stack. */
export function missingPackages(installed: Installed): string[] {
  return [
    ...(installed.java === undefined || installed.java < 17 ? ['default-jre-headless'] : []),
    ...(installed.maven ? [] : ['maven']),
    ...(installed.redis ? [] : ['redis-server']),
  ];
}

/**
 * Installs what the stack needs through apt; does nothing where all is there.
 * @throws MillraceError MR_STACK_INSTALL_FAILED, with the command to run, where this is not root or apt fails
 */
export async function installPackages(onProgress: (line: string) => void): Promise<void> {
  const packages = missingPackages({
    java: await installedJava(),
    maven: (await runCommand('mvn', ['--version'], 30_000)) !== undefined,
    redis: await redisInstalled(),
  });
  if (packages.length === 0) return;
  const commands = [
    ['apt-get', 'update'],
    ['apt-get', 'install', '-y', ...packages],
  ];
  const shown = commands.map((command) => command.join(' ')).join(' && ');
  if (getuid?.() !== 0)
    throw new MillraceError(
      'MR_STACK_INSTALL_FAILED',
      `Only root may install packages. Run: sudo sh -c '${shown}'`,
    );
  for (const command of commands) {
    onProgress(command.join(' '));
    const result = await runCommand('env', ['DEBIAN_FRONTEND=noninteractive', ...command], 10 * 60_000);
    if (result?.code === 0) continue;
    const output = lastLines(result?.output ?? '', 15);
    throw new MillraceError('MR_STACK_INSTALL_FAILED', `\`${shown}\` failed:\n${output}`);
  }
}
