import type { Listener } from './port.ts';

/** Who listens to which channel. */
export type Listeners = Map<string, Set<Listener>>;

const CHANNEL = /^[a-z_][a-z0-9_]{0,62}$/;

/** Channels stand in statements, where they cannot be parameters. */
export function checkChannel(channel: string): void {
  if (!CHANNEL.test(channel)) {
    throw new TypeError('a channel has 1 to 63 of a-z, 0-9 and _, and begins with no digit');
  }
}

/** Hands a notification to every listener of its channel. */
export function dispatch(listeners: Listeners, channel: string, payload: string): void {
  for (const listener of listeners.get(channel) ?? []) listener.onNotification(payload);
}
