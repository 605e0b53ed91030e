import { createBatchWriter } from '../../../platform/clickhouse/writer.ts';
import { errorText, MillraceError } from '../../../platform/errors.ts';
import type { ConnectBroker } from '../../../platform/kafka/kafkajs/broker-connection.ts';
import { createRealKafka } from '../../../platform/kafka/kafkajs/real-kafka.ts';
import type { Kafka } from '../../../platform/kafka/port.ts';
import type { SimulatedCluster } from '../../../platform/kafka/simulated/index.ts';
import { silentLogger } from '../../../platform/log.ts';
import type { OnlineStore } from '../../../platform/online-store/port.ts';
import type { Random } from '../../../platform/random.ts';
import { SimulatedHost } from '../../../platform/simulation/simulated-host.ts';
import type { VirtualTime } from '../../../platform/simulation/virtual-time.ts';
import { StreamRunner, type Guarantee } from '../run/runner.ts';
import type { RowWriter } from '../task/sinks.ts';
import type { Subtopology } from '../topology.ts';
import type { WatermarkOptions } from '../time/watermark.ts';
import type { SimulatedOnlineStore, SimulatedTables } from './services.ts';

/** What a process of the simulation works with. */
export interface ProcessParts {
  readonly kafka: Kafka;
  readonly rows: RowWriter;
  readonly store: OnlineStore;
}

export function asItIs(connect: ConnectBroker): ConnectBroker {
  return connect;
}

export interface InstanceEnvironment {
  readonly time: VirtualTime;
  readonly cluster: SimulatedCluster;
  readonly tables: SimulatedTables;
  readonly online: SimulatedOnlineStore;
  readonly subtopologies: readonly Subtopology[];
  readonly groupId: string;
  readonly startMs: number;
  readonly watermark: WatermarkOptions;
  readonly commitIntervalMs: number;
  readonly withStandbys: boolean;
  readonly guarantee?: Guarantee | undefined;
  /** A transaction that is open for so long is aborted by its coordinator; the client's own where absent. */
  readonly transactionTimeoutMs?: number | undefined;
  /** Exchanges what a process works with: how a test plants a bug. */
  readonly alter?: ((parts: ProcessParts, host: SimulatedHost) => ProcessParts) | undefined;
  /** Exchanges the way to the brokers. */
  readonly alterConnect?: ((connect: ConnectBroker) => ConnectBroker) | undefined;
  /** Told of a process that ended by an error that no outage explains. */
  readonly onBug: (text: string) => void;
}

/** A group member that is silent for so long is expelled. */
const SESSION_TIMEOUT_MS = 2500;
const RESTART_MS = 300;
/** How often the loop looks at the clock where no record wakes it. */
const POLL_MS = 100;
/** Ends of a process that whoever runs it starts again; any other says that something is broken. */
const OUTAGES = new Set(['MR_KAFKA_UNAVAILABLE', 'MR_KAFKA_FENCED', 'MR_KAFKA_TRANSACTION_UNKNOWN']);
/** While it runs it waits for these; one that is told to stop goes without them. */
const SINK_OUTAGES = new Set(['MR_CLICKHOUSE_UNAVAILABLE', 'MR_ONLINE_STORE_UNAVAILABLE']);

/**
 * A place where one process of the stream engine runs, as a supervisor keeps it: started again after it was killed, or
 * has ended by an outage.
 */
export class Instance {
  readonly #env: InstanceEnvironment;
  readonly #random: Random;
  #host: SimulatedHost | undefined;
  #runner: StreamRunner | undefined;
  #kafka: Kafka | undefined;
  #isWanted = false;
  #stopping: Promise<void> | undefined;

  constructor(env: InstanceEnvironment, random: Random) {
    this.#env = env;
    this.#random = random;
  }

  get host(): SimulatedHost | undefined {
    return this.#host;
  }

  get isRunning(): boolean {
    return this.#runner !== undefined && this.#stopping === undefined;
  }

  start(): void {
    this.#isWanted = true;
    if (this.#runner !== undefined) return;
    const { time, startMs, cluster, transactionTimeoutMs, alterConnect = asItIs } = this.#env;
    const host = new SimulatedHost(time, this.#random, startMs);
    const log = silentLogger();
    const kafka = createRealKafka({
      ...{ brokers: cluster.bootstrap, clientId: 'simulation', log, sessionTimeoutMs: SESSION_TIMEOUT_MS },
      ...{ connect: alterConnect(cluster.connectFrom(host)), scheduler: host },
      ...(transactionTimeoutMs === undefined ? {} : { transactionTimeoutMs }),
    });
    const rows = createBatchWriter(this.#env.tables.connectFrom(host), {
      ...{
        maxRows: 1000,
        maxBytes: 1_000_000,
        log,
        scheduler: host,
        retryDelayMs: { initial: 50, max: 1000 },
      },
    });
    const parts = { kafka, rows, store: this.#env.online.connectFrom(host) };
    const runner = new StreamRunner({
      ...(this.#env.alter?.(parts, host) ?? parts),
      ...{ subtopologies: this.#env.subtopologies, groupId: this.#env.groupId, namespace: '' },
      ...{ watermark: this.#env.watermark, withStandbys: this.#env.withStandbys },
      guarantee: this.#env.guarantee ?? 'exactly-once',
      commitIntervalMs: this.#env.commitIntervalMs,
      onlineFlushIntervalMs: 50,
      pollMs: POLL_MS,
      now: () => host.now(),
      newId: () => randomUuid(this.#random),
      scheduler: host,
      log,
    });
    this.#host = host;
    this.#runner = runner;
    this.#kafka = kafka;
    // Both end by the same error where the start succeeds and the loop fails later.
    runner
      .start()
      .then(() => runner.done)
      .catch((error: unknown) => this.#ended(runner, error));
  }

  /** Ends the process where it stands. */
  kill(awayMs: number): void {
    if (this.#host === undefined) return;
    this.#host.kill();
    this.#forget();
    this.#comeBack(awayMs);
  }

  /** Has the process commit, leave the group and end. */
  stop(awayMs: number): void {
    if (!this.isRunning) return;
    void this.leave().then(() => this.#comeBack(awayMs));
  }

  /** Ends the process in good order, for good; resolves when it has. */
  async leave(): Promise<void> {
    this.#isWanted = false;
    const runner = this.#runner;
    const kafka = this.#kafka;
    if (runner === undefined || kafka === undefined) return;
    this.#stopping ??= (async () => {
      await runner.stop();
      await kafka.close();
      if (this.#runner === runner) this.#forget();
    })();
    await this.#stopping;
  }

  #comeBack(awayMs: number): void {
    this.#isWanted = true;
    this.#env.time.after(awayMs, () => {
      if (this.#isWanted) this.start();
    });
  }

  #ended(runner: StreamRunner, error: unknown): void {
    if (this.#runner !== runner) return;
    const code = error instanceof MillraceError ? error.code : 'none';
    const isStopping = this.#stopping !== undefined;
    if (!OUTAGES.has(code) && !(isStopping && SINK_OUTAGES.has(code)))
      this.#env.onBug(`a process ended: ${errorText(error)}`);
    if (isStopping) return;
    // As the exit of a process does: nothing of it goes on.
    this.#host?.kill();
    this.#forget();
    this.#comeBack(RESTART_MS);
  }

  #forget(): void {
    this.#host = undefined;
    this.#runner = undefined;
    this.#kafka = undefined;
    this.#stopping = undefined;
  }
}

/** A version 4 UUID (RFC 9562) from the dice of the simulation. */
function randomUuid(random: Random): string {
  const bytes = Buffer.from(random.bytes(16));
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
