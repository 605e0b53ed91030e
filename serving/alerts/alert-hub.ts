import type { Logger } from '../../platform/log.ts';
import { errorText, MillraceError } from '../../platform/errors.ts';
import type { OnlineStore } from '../../platform/online-store/port.ts';
import { retry } from '../../platform/retry.ts';
import { ALERT_CHANNEL, type AlertNotice } from '../../schemas/keys.ts';
import { createAlertQueue, type AlertQueue } from './alert-queue.ts';

/** Alerts that wait for one slow client. */
const QUEUE_CAPACITY = 100;

export interface AlertHub {
  /** Subscribes to the store's channel; goes on trying in the background while the store is down. */
  start(): void;
  /** A queue that gets every alert from now on. `leave` ends it. */
  join(): { readonly queue: AlertQueue; leave(): void };
  readonly clients: number;
  /** Ends every queue and the subscription. Idempotent. */
  close(): Promise<void>;
}

/** Fans the alerts of one subscription out to the clients of this process. */
export function createAlertHub(store: OnlineStore, log: Logger): AlertHub {
  const queues = new Set<AlertQueue>();
  const stop = new AbortController();
  let subscribing: Promise<(() => Promise<void>) | undefined> | undefined;

  const onMessage = (message: string) => {
    const alert = parseNotice(message);
    if (alert === null) {
      log.warn({}, 'a message on the alert channel is no alert; find who publishes there');
      return;
    }
    for (const queue of queues) queue.push(alert);
  };

  return {
    start() {
      subscribing ??= subscribe(store, onMessage, { log, signal: stop.signal });
    },
    join() {
      const queue = createAlertQueue(QUEUE_CAPACITY);
      if (stop.signal.aborted) queue.close();
      else queues.add(queue);
      return {
        queue,
        leave() {
          queues.delete(queue);
          queue.close();
        },
      };
    },
    get clients() {
      return queues.size;
    },
    async close() {
      stop.abort();
      for (const queue of queues) queue.close();
      queues.clear();
      const unsubscribe = await subscribing;
      subscribing = undefined;
      await unsubscribe?.();
    },
  };
}

async function subscribe(
  store: OnlineStore,
  onMessage: (message: string) => void,
  { log, signal }: { log: Logger; signal: AbortSignal },
): Promise<(() => Promise<void>) | undefined> {
  try {
    return await retry(() => store.subscribe(ALERT_CHANNEL, onMessage), {
      initialDelayMs: 200,
      maxDelayMs: 5000,
      signal,
      onRetry: (error, attempt) => {
        if (attempt === 1) log.warn({ code: error.code }, 'live alerts wait for the online store; check it');
      },
    });
  } catch (error) {
    // Without alerts the rest of the API is of use; the list of recent alerts still works.
    if (!signal.aborted) log.error({ error: errorText(error) }, 'live alerts are off; restart after a fix');
    if (!(error instanceof MillraceError)) throw error;
    return undefined;
  }
}

function parseNotice(message: string): AlertNotice | null {
  try {
    const value = JSON.parse(message) as Partial<AlertNotice> | null;
    return typeof value?.alertId === 'string' && typeof value.raisedAtMs === 'number'
      ? (value as AlertNotice)
      : null;
  } catch {
    // No JSON: the caller reports it like any other message that is no alert.
    return null;
  }
}
