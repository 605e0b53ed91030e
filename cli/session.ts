import type { Config } from '../platform/config.ts';
import { ownDataDir, type DataDirOwner } from '../platform/control/data-dir.ts';
import { createLogger, type Logger } from '../platform/log.ts';
import { Lifetime } from '../platform/shutdown.ts';

export interface Session {
  readonly config: Config;
  readonly log: Logger;
  readonly lifetime: Lifetime;
  /**
   * Makes this process the owner of the data folder, once; asked for before an embedded engine is opened.
   * @throws MillraceError MR_EMBEDDED_IN_USE
   */
  readonly own: () => Promise<DataDirOwner>;
}

/** Runs a command's work with a logger and a lifetime; whatever was opened is closed, also when the work fails. */
export async function withSession<T>(
  config: Config,
  command: string,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const log = createLogger(config.logLevel, command);
  const lifetime = new Lifetime(log);
  let owner: Promise<DataDirOwner> | undefined;
  const own = async () =>
    lifetime.add('data folder', await ownDataDir({ dataDir: config.dataDir, command, now: Date.now, log }));
  try {
    return await work({ config, log, lifetime, own: () => (owner ??= own()) });
  } finally {
    await lifetime.close();
  }
}
