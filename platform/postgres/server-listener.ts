import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { withDeadline } from '../deadline.ts';
import { errorText } from '../errors.ts';
import type { Logger } from '../log.ts';
import { checkChannel, dispatch, type Listeners } from './listeners.ts';
import type { Listener, Subscription } from './port.ts';
import { timedOut, wrapPostgresError } from './postgres-error.ts';

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 5000;
/** A connection may vanish without a word; the question finds out. */
const CHECK_EVERY_MS = 15_000;
const CHECK_TIMEOUT_MS = 5000;

/** One connection for all channels of a process, opened at the first subscription; it reconnects for ever. */
export class ServerListener {
  readonly #create: () => Client;
  readonly #log: Logger;
  readonly #listeners: Listeners = new Map();
  readonly #closing = new AbortController();
  #connection: Promise<Client> | undefined;
  #check: NodeJS.Timeout | undefined;

  constructor(create: () => Client, log: Logger) {
    this.#create = create;
    this.#log = log;
  }

  /** Resolves when the server has the channel in its list; rejects where the first connection fails. */
  async subscribe(channel: string, listener: Listener, timeoutMs: number): Promise<Subscription> {
    checkChannel(channel);
    const before = this.#listeners.get(channel);
    const listeners = before ?? new Set();
    listeners.add(listener);
    this.#listeners.set(channel, listeners);
    const remove = () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(channel);
    };
    try {
      const client = await this.#connect(timeoutMs);
      await send(client, `LISTEN ${channel}`, timeoutMs);
    } catch (error) {
      remove();
      throw error;
    }
    return {
      close: async () => {
        remove();
        if (listeners.size > 0 || this.#closing.signal.aborted) return;
        // Where the connection is away, the next one does not listen to it.
        const client = await this.#connection?.catch(() => undefined);
        if (client !== undefined) await send(client, `UNLISTEN ${channel}`, timeoutMs).catch(() => undefined);
      },
    };
  }

  #connect(timeoutMs: number): Promise<Client> {
    if (this.#connection === undefined) {
      const connection = this.#open(timeoutMs);
      this.#connection = connection;
      connection.catch(() => {
        if (this.#connection === connection) this.#connection = undefined;
      });
    }
    return this.#connection;
  }

  async #open(timeoutMs: number): Promise<Client> {
    const client = this.#create();
    client.on('error', () => undefined); // 'end' follows
    client.on('notification', ({ channel, payload }) => dispatch(this.#listeners, channel, payload ?? ''));
    try {
      await withDeadline(client.connect(), timeoutMs, () => timedOut('subscribe', timeoutMs));
      const channels = [...this.#listeners.keys()].map((channel) => `LISTEN ${channel}`);
      await send(client, [`SET statement_timeout = ${timeoutMs}`, ...channels].join('; '), timeoutMs);
    } catch (error) {
      void client.end().catch(() => undefined);
      throw wrapPostgresError(error, 'subscribe');
    }
    client.once('end', () => void this.#reconnect(timeoutMs));
    this.#check = setInterval(() => {
      send(client, 'SELECT 1', CHECK_TIMEOUT_MS).catch(() => void client.end().catch(() => undefined));
    }, CHECK_EVERY_MS);
    this.#check.unref();
    return client;
  }

  async #reconnect(timeoutMs: number): Promise<void> {
    clearInterval(this.#check);
    this.#connection = undefined;
    if (this.#isClosing()) return;
    this.#log.warn('the connection for notifications of PostgreSQL broke; it is opened again');
    for (let attempt = 0; !(await this.#tryAgain(timeoutMs, attempt)); attempt++) {
      if (this.#isClosing()) return;
    }
    this.#log.info('the connection for notifications of PostgreSQL is open again');
    for (const listeners of this.#listeners.values()) {
      for (const listener of listeners) listener.onGap();
    }
  }

  /** Whatever the reason: a server that is being replaced may refuse log-ins for a while. */
  async #tryAgain(timeoutMs: number, attempt: number): Promise<boolean> {
    try {
      await this.#connect(timeoutMs);
      return true;
    } catch (error) {
      const capMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 10));
      const delayMs = capMs / 2 + (Math.random() * capMs) / 2;
      this.#log.debug(
        { attempt, error: errorText(error) },
        'PostgreSQL gives no connection for notifications',
      );
      await sleep(delayMs, undefined, { signal: this.#closing.signal }).catch(() => undefined); // closing
      return false;
    }
  }

  #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#check);
    this.#listeners.clear();
    const client = await this.#connection?.catch(() => undefined);
    await client?.end().catch(() => undefined); // it is gone already
  }
}

async function send(client: Client, sql: string, timeoutMs: number): Promise<void> {
  try {
    await withDeadline(client.query(sql), timeoutMs, () => timedOut('subscribe', timeoutMs));
  } catch (error) {
    throw wrapPostgresError(error, 'subscribe');
  }
}
