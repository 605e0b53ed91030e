import type { AlertNotice } from '../../schemas/keys.ts';

/** What one client still has to be sent. */
export interface AlertQueue {
  push(alert: AlertNotice): void;
  /** The next alert; waits for one. null once the queue is closed and empty. */
  next(): Promise<AlertNotice | null>;
  /** Lets `next` give out what is left, then null. */
  close(): void;
  /** Alerts that a slow client has missed since the last call. */
  takeDropped(): number;
}

/** A bounded queue for one reader. When it is full the oldest alert goes: a slow client gets the latest. */
export function createAlertQueue(capacity: number): AlertQueue {
  const waiting: AlertNotice[] = [];
  let wake: ((alert: AlertNotice | null) => void) | undefined;
  let closed = false;
  let dropped = 0;

  const handOver = (alert: AlertNotice | null): boolean => {
    const resolve = wake;
    wake = undefined;
    resolve?.(alert);
    return resolve !== undefined;
  };

  return {
    push(alert) {
      if (closed || handOver(alert)) return;
      waiting.push(alert);
      if (waiting.length <= capacity) return;
      waiting.shift();
      dropped++;
    },
    next() {
      const alert = waiting.shift();
      if (alert !== undefined) return Promise.resolve(alert);
      if (closed) return Promise.resolve(null);
      return new Promise((resolve) => {
        wake = resolve;
      });
    },
    close() {
      closed = true;
      handOver(null);
    },
    takeDropped() {
      const count = dropped;
      dropped = 0;
      return count;
    },
  };
}
