import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import type { ClickHouseConfig } from '../config.ts';
import { withDeadline } from '../deadline.ts';
import { readPem } from '../pem-file.ts';
import { closed, timedOut, wrapClickHouseError } from './clickhouse-error.ts';
import { BASE_SETTINGS, type Call, type Engine, type Settings, type Work } from './engine.ts';

/** Servers close idle sockets after 3 s (10 s since 23.11): below it, no request meets a socket that is being closed. */
const IDLE_SOCKET_TTL_MS = 2500;
/** Above every deadline of a call, so that the deadline decides. */
const SOCKET_TIMEOUT_MS = 3_600_000;

/**
 * An engine over HTTP. Nothing is retried here; connections are made when they are needed.
 * @throws MillraceError MR_ENGINE_TLS_FAILED where the file of the authority cannot be read
 */
export function openHttpEngine(config: ClickHouseConfig, url: string, database: string): Engine {
  return new HttpEngine(
    createClient({
      url,
      username: config.user,
      password: config.password.reveal(),
      database,
      ...(config.caFile === undefined
        ? {}
        : { tls: { ca_cert: Buffer.from(readPem('MR_CLICKHOUSE_CA_FILE', config.caFile)) } }),
      application: 'millrace',
      request_timeout: SOCKET_TIMEOUT_MS,
      max_open_connections: 10,
      keep_alive: {
        enabled: true,
        idle_socket_ttl: IDLE_SOCKET_TTL_MS,
        eagerly_destroy_stale_sockets: true,
      },
      use_multipart_params_auto: true,
      log: { level: ClickHouseLogLevel.OFF },
      // wait_end_of_query: the status is known before the first byte, so no error hides behind rows.
      clickhouse_settings: {
        ...BASE_SETTINGS,
        wait_end_of_query: 1,
        cancel_http_readonly_queries_on_client_close: 1,
      },
    }),
    new URL(url).host,
  );
}

class HttpEngine implements Engine {
  readonly kind = 'http';
  readonly product = 'ClickHouse';
  readonly where: string;
  readonly #client: ClickHouseClient;
  #closed = false;

  constructor(client: ClickHouseClient, where: string) {
    this.where = where;
    this.#client = client;
  }

  async run<T>(call: Call, work: Work<T>): Promise<T> {
    if (this.#closed) throw closed();
    const abort = new AbortController();
    const settings: Settings = { max_execution_time: call.timeoutMs / 1000, ...call.settings };
    try {
      return await withDeadline(work(this.#client, settings, abort.signal), call.timeoutMs, () => {
        abort.abort();
        return timedOut(call.operation, call.timeoutMs);
      });
    } catch (error) {
      throw wrapClickHouseError(error, call.operation, this.kind);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#client.close();
  }
}
