import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../platform/config.ts';
import { MillraceError } from '../../platform/errors.ts';
import type { LogReader } from '../../platform/kafka/log-reader.ts';
import { findChangelogs, type Changelog } from '../../processors/runtime/state-tools/changelogs.ts';
import { openReader } from '../backends.ts';
import { didYouMean } from '../nearest.ts';
import type { Session } from '../session.ts';

/** What a command reads the state from. */
export interface OpenState {
  readonly log: LogReader;
  readonly changelogs: readonly Changelog[];
}

/**
 * The log of the configuration for reading: Kafka's, the embedded one, or, where another process owns the data folder,
 * that one through its control socket.
 * @throws MillraceError MR_STATE_NOT_FOUND where there is no state
 */
export async function openState(session: Session): Promise<OpenState> {
  const { config } = session;
  requireLog(config);
  const { log } = await openReader(session);
  const changelogs = await findChangelogs(log, config.namespace);
  if (changelogs.length === 0)
    throw new MillraceError(
      'MR_STATE_NOT_FOUND',
      `there are no changelogs ${namespaceText(config)}in ${placeOf(config)}`,
    );
  return { log, changelogs };
}

/** Nothing is made where there is nothing to look at. */
export function requireLog(config: Config): void {
  if (config.kafka.brokers.length > 0 || existsSync(join(config.dataDir, 'log'))) return;
  throw new MillraceError(
    'MR_STATE_NOT_FOUND',
    `there is no embedded log in ${config.dataDir}: --data-dir or MR_DATA_DIR names the data folder, MR_KAFKA_BROKERS a broker`,
  );
}

function placeOf({ kafka, dataDir }: Config): string {
  return kafka.brokers.length > 0 ? kafka.brokers.join(', ') : dataDir;
}

function namespaceText({ namespace }: Config): string {
  return namespace === '' ? '' : `of the namespace ${namespace} `;
}

/** @throws MillraceError MR_STATE_NOT_FOUND with the nearest name */
export function requireChangelog({ changelogs }: OpenState, subtopology: string): Changelog {
  const found = changelogs.find((changelog) => changelog.subtopology === subtopology);
  if (found !== undefined) return found;
  throw notFound(
    'sub-topology',
    subtopology,
    changelogs.map((changelog) => changelog.subtopology),
  );
}

export function notFound(what: string, name: string, known: readonly string[]): MillraceError {
  const all = known.length === 0 ? '' : ` (there are ${known.join(', ')})`;
  return new MillraceError('MR_STATE_NOT_FOUND', `no ${what} "${name}"${didYouMean(name, known)}${all}`, {
    context: { name },
  });
}
