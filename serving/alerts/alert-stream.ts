import type { SSEMessage, SSEReplyInterface } from '@fastify/sse';
import type { AlertNotice } from '../../schemas/keys.ts';
import type { AlertHub } from './alert-hub.ts';

/** Delay that clients are told to wait before they come back. */
const RETRY_MS = 2000;

/**
 * Sends alerts to one client until it goes away or the hub closes: first what it missed since `Last-Event-ID`, then
 * what comes. The event id is the alert id. A client that reads too slowly gets the latest alerts and an event `gap` with
 * the number of those it missed. The client joins before the past is read, so nothing falls between the two.
 */
export async function streamAlerts(
  sse: SSEReplyInterface,
  hub: AlertHub,
  recentAlerts: () => Promise<readonly AlertNotice[]>,
): Promise<void> {
  const seat = hub.join();
  const { queue } = seat;
  const gone = new Promise<void>((resolve) => {
    sse.onClose(() => {
      seat.leave();
      resolve();
    });
  });
  // A write to a client that has gone may never settle, so each is raced against the end of the connection.
  const send = (message: SSEMessage) => Promise.race([sse.send(message), gone]);
  sse.sendHeaders();
  try {
    await send({ event: 'hello', data: {}, retry: RETRY_MS });
    const sent = new Set<string>();
    for (const alert of sse.lastEventId === null ? [] : missed(await recentAlerts(), sse.lastEventId)) {
      sent.add(alert.alertId);
      await send(toMessage(alert));
    }
    for (let alert = await queue.next(); alert !== null && sse.isConnected; alert = await queue.next()) {
      const dropped = queue.takeDropped();
      if (dropped > 0) await send({ event: 'gap', data: { dropped } });
      if (!sent.delete(alert.alertId)) await send(toMessage(alert));
    }
  } finally {
    seat.leave();
    sse.close();
  }
}

/** Oldest first. An id that is no longer known means that all recent alerts may have been missed. */
function missed(newestFirst: readonly AlertNotice[], lastEventId: string): readonly AlertNotice[] {
  const known = newestFirst.findIndex((alert) => alert.alertId === lastEventId);
  return (known === -1 ? newestFirst : newestFirst.slice(0, known)).toReversed();
}

function toMessage(alert: AlertNotice): SSEMessage {
  return { id: alert.alertId, event: 'alert', data: alert };
}
