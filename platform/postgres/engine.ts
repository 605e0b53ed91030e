import type { EngineInfo } from '../engine-info.ts';
import type { Listener, Row, Subscription } from './port.ts';
import { MillraceError } from '../errors.ts';
import type { Turns } from './turns.ts';

export const DEFAULT_TIMEOUT_MS = 30_000;

export interface Result {
  readonly rows: Row[];
  /** Rows that the statement changed or returned. */
  readonly affected: number;
}

/** One connection, or the one session in process, for as long as it is held. Rejects with MillraceErrors. */
export interface EngineSession {
  /** Fires when the connection breaks; the outcome of what ran on it is unknown then. */
  readonly lost: AbortSignal;
  /** One statement. Without a time the settings of the open transaction hold. */
  run(sql: string, params: readonly (string | null)[], timeoutMs?: number): Promise<Result>;
  /** Statements without parameters or results. */
  script(sql: string, timeoutMs?: number): Promise<void>;
  /** Gives up what runs; the session is lost where the engine can only do it by breaking the connection. */
  abort(): void;
  release(): void;
}

export interface SessionSource {
  /** @throws MillraceError MR_POSTGRES_UNAVAILABLE after the time given */
  acquire(operation: string, timeoutMs: number): Promise<EngineSession>;
}

export interface HeldLock {
  readonly source: SessionSource;
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

export interface Engine extends SessionSource {
  readonly kind: 'server' | 'in-process';
  /** What each transaction sets for itself, given its time. */
  transactionSettings(timeoutMs: number): string;
  /** @returns undefined where another holds it after the time; 0 does not wait */
  lock(key: string, timeoutMs: number): Promise<HeldLock | undefined>;
  subscribe(channel: string, listener: Listener): Promise<Subscription>;
  info(timeoutMs: number): Promise<EngineInfo>;
  close(): Promise<void>;
}

/** Lets the users of one session have it in turns. */
export function inTurns(session: EngineSession, turns: Turns): SessionSource {
  return {
    acquire: async (operation, timeoutMs) => {
      const release = await turns.take(operation, timeoutMs);
      if (!session.lost.aborted) {
        return {
          lost: session.lost,
          run: (sql, params, ms) => session.run(sql, params, ms),
          script: (sql, ms) => session.script(sql, ms),
          abort: () => session.abort(),
          release,
        };
      }
      release();
      throw new MillraceError('MR_POSTGRES_UNAVAILABLE', 'the connection that held the lock is lost', {
        context: { operation },
      });
    },
  };
}
