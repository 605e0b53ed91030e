import { getuid } from 'node:process';
import { MillraceError } from '../../platform/errors.ts';
import { installedJava } from './kafka-jars.ts';
import { redisInstalled } from './redis-server.ts';
import { lastLines, runCommand } from './run-command.ts';
import type { StackServiceKind } from './state.ts';

export interface Installed {
  readonly java: number | undefined;
  readonly maven: boolean;
  readonly redis: boolean;
}

/** Debian packages that are missing for these services; PostgreSQL and ClickHouse come through npm. */
export function missingPackages(installed: Installed, services: readonly StackServiceKind[]): string[] {
  const { java, maven, redis } = installed;
  const isKafka = services.includes('kafka');
  return [
    ...(isKafka && (java === undefined || java < 17) ? ['default-jre-headless'] : []),
    ...(isKafka && !maven ? ['maven'] : []),
    ...(services.includes('redis') && !redis ? ['redis-server'] : []),
  ];
}

/**
 * Installs what the services need through apt; does nothing where all is there.
 * @throws MillraceError MR_STACK_INSTALL_FAILED, with the command to run, where this is not root or apt fails
 */
export async function installPackages(
  onProgress: (line: string) => void,
  services: readonly StackServiceKind[],
): Promise<void> {
  const installed = {
    java: await installedJava(),
    maven: (await runCommand('mvn', ['--version'], 30_000)) !== undefined,
    redis: await redisInstalled(),
  };
  const packages = missingPackages(installed, services);
  if (packages.length === 0) return;
  const commands = [
    ['apt-get', 'update'],
    ['apt-get', 'install', '-y', '--no-install-recommends', ...packages],
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
    const output = result === undefined ? 'there is no `env` on the PATH' : lastLines(result.output, 15);
    throw new MillraceError('MR_STACK_INSTALL_FAILED', `\`${shown}\` failed:\n${output}`);
  }
}
