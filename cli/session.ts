import type { Config } from '../platform/config.ts';
import { createLogger, type Logger } from '../platform/log.ts';
import { Lifetime } from '../platform/shutdown.ts';

export interface Session {
  readonly config: Config;
  readonly log: Logger;
  readonly lifetime: Lifetime;
}

/** Runs a command's work with a logger and a lifetime; whatever was opened is closed, also when the work fails. */
export async function withSession<T>(
  config: Config,
  stage: string,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const log = createLogger(config.logLevel, stage);
  const lifetime = new Lifetime(log);
  try {
    return await work({ config, log, lifetime });
  } finally {
    await lifetime.close();
  }
}
