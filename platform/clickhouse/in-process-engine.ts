import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type * as chdb from 'chdb/connection';
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { withDeadline } from '../deadline.ts';
import { MillraceError, errorText } from '../errors.ts';
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

export type Chdb = Pick<typeof chdb, 'createChdbConnection'>;

export interface InProcessOptions {
  readonly path: string;
  readonly database: string;
  /** Loads chdb; only when the engine is opened, since its library is large and not on every platform. */
  readonly load: () => Promise<Chdb>;
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
  const engine = await loadChdb(options.load);
  await mkdir(options.path, { recursive: true });
  const first = await connect(engine, options.path);
  await first.command({ query: `CREATE DATABASE IF NOT EXISTS \`${options.database}\`` });
  const open = async () => {
    const client = await connect(engine, options.path);
    await client.command({ query: `USE \`${options.database}\``, clickhouse_settings: IN_PROCESS_SETTINGS });
    return client;
  };
  return new InProcessEngine(first, open);
}

async function loadChdb(load: () => Promise<Chdb>): Promise<Chdb> {
  try {
    return await load();
  } catch (error) {
    throw new MillraceError(
      'MR_EMBEDDED_UNAVAILABLE',
      'ClickHouse in process (chdb) cannot be loaded here: set MR_CLICKHOUSE_URL to a server, or install chdb',
      {
        context: { engine: 'chdb', platform: process.platform, arch: process.arch, reason: errorText(error) },
        cause: error,
      },
    );
  }
}

async function connect(engine: Chdb, path: string): Promise<ClickHouseClient> {
  try {
    return createClient({
      connection: engine.createChdbConnection({ path }),
      log: { level: ClickHouseLogLevel.OFF },
    });
  } catch (error) {
    throw await openError(error, path);
  }
}

/** chdb only says that it failed (code 76 goes to stderr); the owner stands in the engine's status file. */
async function openError(error: unknown, path: string): Promise<MillraceError> {
  const text = errorText(error);
  const owner = await ownerOf(path);
  if (owner === undefined && !text.includes('one active data directory')) {
    return new MillraceError(
      'MR_EMBEDDED_UNAVAILABLE',
      `ClickHouse in process cannot open its directory: ${text}`,
      { context: { engine: 'chdb', path }, cause: error },
    );
  }
  return new MillraceError(
    'MR_EMBEDDED_IN_USE',
    owner === undefined
      ? `This process already has another ClickHouse directory open: ${text}`
      : `Process ${owner} has the ClickHouse directory ${path} open`,
    { context: { engine: 'chdb', path, pid: owner }, cause: error },
  );
}

async function ownerOf(path: string): Promise<number | undefined> {
  const status = await readFile(join(path, 'status'), 'utf8').catch(() => ''); // no such file: no owner
  const pid = Number(/^PID: (\d+)$/m.exec(status)?.[1]);
  return Number.isSafeInteger(pid) && pid !== process.pid && isAlive(pid) ? pid : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

class InProcessEngine implements Engine {
  readonly kind = 'in-process';
  /** Keeps the directory locked while the lanes are still empty. */
  readonly #first: ClickHouseClient;
  readonly #lanes: Readonly<Record<Call['lane'], Lane<ClickHouseClient>>>;
  /** Statements that the engine still runs, those included that nobody waits for any more. */
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  constructor(first: ClickHouseClient, open: () => Promise<ClickHouseClient>) {
    this.#first = first;
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
    for (const client of [...clients, this.#first]) await client.close();
  }
}
