import type { Session } from 'chdb';
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { withDeadline } from '../deadline.ts';
import { loadEngine, openDirectory, type LoadChdb } from './chdb-engine.ts';
import { closed, timedOut, wrapClickHouseError } from './clickhouse-error.ts';
import {
  BASE_SETTINGS,
  DEFAULT_TIMEOUT_MS,
  type Call,
  type Engine,
  type Settings,
  type Work,
} from './engine.ts';
import { Lane } from './lane.ts';

export interface InProcessOptions {
  readonly path: string;
  readonly database: string;
  readonly load: LoadChdb;
}

/** Each running statement holds a thread of libuv's pool, which has four unless UV_THREADPOOL_SIZE says more. */
const LANE_SIZES = { read: 2, write: 2, probe: 1 } as const;
const IN_PROCESS_SETTINGS: Settings = { ...BASE_SETTINGS, max_execution_time: DEFAULT_TIMEOUT_MS / 1000 };

/**
 * The ClickHouse engine in this process, on a directory of its own.
 * @throws MillraceError MR_EMBEDDED_UNAVAILABLE without a binary for this platform, MR_EMBEDDED_IN_USE when another
 * process (or this one, with another directory) has the engine open.
 */
export async function openInProcessEngine(options: InProcessOptions): Promise<Engine> {
  const engine = await loadEngine(options.load);
  const keeper = await openDirectory(engine, options.path);
  await keeper.queryAsync(`CREATE DATABASE IF NOT EXISTS \`${options.database}\``);
  const open = async () => {
    const client = createClient({
      connection: engine.createChdbConnection({ path: options.path }),
      log: { level: ClickHouseLogLevel.OFF },
    });
    await client.command({ query: `USE \`${options.database}\``, clickhouse_settings: IN_PROCESS_SETTINGS });
    return client;
  };
  return new InProcessEngine(keeper, options.path, open);
}

class InProcessEngine implements Engine {
  readonly kind = 'in-process';
  readonly product = 'chdb';
  readonly where: string;
  /** Keeps the directory locked while the lanes are still empty. */
  readonly #keeper: Session;
  readonly #lanes: Readonly<Record<Call['lane'], Lane<ClickHouseClient>>>;
  /** Statements that the engine still runs, those included that nobody waits for any more. */
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  constructor(keeper: Session, where: string, open: () => Promise<ClickHouseClient>) {
    this.#keeper = keeper;
    this.where = where;
    this.#lanes = {
      read: new Lane(LANE_SIZES.read, open),
      write: new Lane(LANE_SIZES.write, open),
      probe: new Lane(LANE_SIZES.probe, open),
    };
  }

  async run<T>(call: Call, work: Work<T>): Promise<T> {
    if (this.#closed) throw closed();
    const abort = new AbortController();
    const running = this.#runInLane(call, work, abort.signal);
    const settled = running.catch(() => undefined); // the caller gets the error below
    this.#running.add(settled);
    void settled.then(() => this.#running.delete(settled));
    try {
      return await withDeadline(running, call.timeoutMs, () => {
        const error = timedOut(call.operation, call.timeoutMs);
        abort.abort(error);
        return error;
      });
    } catch (error) {
      throw wrapClickHouseError(error, call.operation, this.kind);
    }
  }

  /**
   * The connection is free again when the engine is done, not when the caller has given up; max_execution_time makes
   * the two about the same. Settings stick to a connection, so one that was given some is replaced (about 2 ms).
   */
  async #runInLane<T>(call: Call, work: Work<T>, signal: AbortSignal): Promise<T> {
    const lane = this.#lanes[call.lane];
    const settings: Settings =
      call.timeoutMs === DEFAULT_TIMEOUT_MS
        ? call.settings
        : { max_execution_time: call.timeoutMs / 1000, ...call.settings };
    const slot = await lane.acquire(signal);
    try {
      signal.throwIfAborted();
      return await work(slot.connection, settings);
    } finally {
      if (Object.keys(settings).length > 0) {
        await slot.connection.close();
        await lane.reopen(slot);
      }
      lane.release(slot);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all(this.#running);
    const clients = Object.values(this.#lanes).flatMap((lane) => lane.connections());
    for (const client of clients) await client.close();
    this.#keeper.close();
  }
}
