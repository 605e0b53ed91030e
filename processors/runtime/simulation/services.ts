/** ClickHouse and the online store of a simulation: what was written stays, answers take time, and fail. */
import type { ClickHouse, Row } from '../../../platform/clickhouse/port.ts';
import { MillraceError, type ErrorCode } from '../../../platform/errors.ts';
import type {
  ConditionalWrite,
  OnlineStore,
  StoredHead,
  StoredRecord,
  VersionedWrite,
} from '../../../platform/online-store/port.ts';
import { isCheckpointKey } from '../../../schemas/keys.ts';
import type { Random } from '../../../platform/random.ts';
import type { SimulatedHost } from '../../../platform/simulation/simulated-host.ts';
import type { VirtualTime } from '../../../platform/simulation/virtual-time.ts';

/** A server that can be away, slow, or out of reach just after it has done what it was asked. */
class Service {
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #code: ErrorCode;
  #awayUntilMs = 0;
  #slowUntilMs = 0;
  #unanswered = 0;

  constructor(time: VirtualTime, random: Random, code: ErrorCode) {
    this.#time = time;
    this.#random = random;
    this.#code = code;
  }

  goAway(ms: number): void {
    this.#awayUntilMs = Math.max(this.#awayUntilMs, this.#time.nowMs + ms);
  }

  slowDown(ms: number): void {
    this.#slowUntilMs = Math.max(this.#slowUntilMs, this.#time.nowMs + ms);
  }

  /** The next request is carried out and not answered. */
  loseAnswer(): void {
    this.#unanswered += 1;
  }

  heal(): void {
    this.#awayUntilMs = 0;
    this.#slowUntilMs = 0;
    this.#unanswered = 0;
  }

  /** One request of a process: it goes out, is carried out or not, and the answer comes back or not. */
  ask<T>(host: SimulatedHost, carryOut: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#time.after(this.#delayMs(), () => {
        const isAway = this.#time.nowMs < this.#awayUntilMs;
        const isLost = !isAway && this.#unanswered > 0;
        if (isLost) this.#unanswered -= 1;
        const answer = isAway ? undefined : carryOut();
        this.#time.after(this.#delayMs(), () =>
          host.deliver(() => {
            if (isAway || isLost) reject(new MillraceError(this.#code, 'the server does not answer'));
            else resolve(answer as T);
          }),
        );
      });
    });
  }

  #delayMs(): number {
    const isSlow = this.#time.nowMs < this.#slowUntilMs;
    return isSlow ? this.#random.between(50, 800) : this.#random.between(0.2, 4);
  }
}

const unsupported = (): never => {
  throw new Error('not part of the simulation');
};

export class SimulatedTables extends Service {
  readonly #rows = new Map<string, Row[]>();

  constructor(time: VirtualTime, random: Random) {
    super(time, random, 'MR_CLICKHOUSE_UNAVAILABLE');
  }

  /** Every row in the order of writing, repetitions included. */
  rows(table: string): readonly Row[] {
    return this.#rows.get(table) ?? [];
  }

  get tables(): readonly string[] {
    return [...this.#rows.keys()].sort();
  }

  /** The port as a process sees it: inserts alone. */
  connectFrom(host: SimulatedHost): ClickHouse {
    return {
      ...{ kind: 'in-process', database: 'simulation', query: unsupported, command: unsupported },
      ...{ ping: unsupported, info: unsupported, close: () => Promise.resolve() },
      insert: (table, rows) =>
        this.ask(host, () => {
          const known = this.#rows.get(table) ?? [];
          this.#rows.set(table, known);
          for (const row of rows) known.push({ ...row });
        }),
    };
  }
}

export class SimulatedOnlineStore extends Service {
  readonly #entries = new Map<string, VersionedWrite>();

  constructor(time: VirtualTime, random: Random) {
    super(time, random, 'MR_ONLINE_STORE_UNAVAILABLE');
  }

  /** What a reader finds, without what has a time to live: the simulation keeps everything. */
  values(): ReadonlyMap<string, string> {
    return new Map(
      [...this.#entries].flatMap(([key, { value }]) =>
        value === null || isCheckpointKey(key) ? [] : [[key, value] as const],
      ),
    );
  }

  /** The port as a process sees it: what the stream engine needs of it. */
  connectFrom(host: SimulatedHost): OnlineStore {
    return {
      kind: 'lmdb',
      setIfNewer: (writes) => this.ask(host, () => writes.map((write) => this.#setIfNewer(write))),
      setIfVersion: (writes) => this.ask(host, () => writes.map((write) => this.#setIfVersion(write))),
      readRecords: (keys) => this.ask(host, () => keys.map((key) => recordOf(this.#entries.get(key)))),
      scan: () => scanOnce(() => this.ask(host, () => [...this.#entries.values()].map(headOf))),
      readMany: (keys) => this.ask(host, () => keys.map((key) => this.#entries.get(key)?.value ?? null)),
      publish: () => this.ask(host, () => undefined),
      ...{ setIfAbsent: unsupported, setManyIfAbsent: unsupported, renewLease: unsupported },
      ...{ releaseLease: unsupported, delete: unsupported, subscribe: unsupported },
      ...{ ping: unsupported, info: unsupported, close: () => Promise.resolve() },
    };
  }

  #setIfVersion({ expected, ...write }: ConditionalWrite): boolean {
    if ((this.#entries.get(write.key)?.version ?? null) !== expected) return false;
    this.#entries.set(write.key, write);
    return true;
  }

  #setIfNewer(write: VersionedWrite): boolean {
    const known = this.#entries.get(write.key);
    if (known !== undefined && known.version >= write.version) return false;
    this.#entries.set(write.key, write);
    return true;
  }
}

function headOf({ key, version, owner, value }: VersionedWrite): StoredHead {
  return { key, version, owner: owner ?? null, isDeleted: value === null };
}

function recordOf(entry: VersionedWrite | undefined): StoredRecord | null {
  return entry === undefined ? null : { ...headOf(entry), value: entry.value };
}

async function* scanOnce(
  all: () => Promise<readonly StoredHead[]>,
): AsyncGenerator<readonly StoredHead[], undefined> {
  yield await all();
}
