import { pino, type Logger } from 'pino';

export type { Logger } from 'pino';

/** JSON logs on stderr, so that the last line of stdout stays a command's result. */
export function createLogger(level: string, stage: string): Logger {
  return pino(
    { level, base: { stage }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  );
}

/** A logger that says nothing. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}
