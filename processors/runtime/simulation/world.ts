import { errorText, MillraceError } from '../../../platform/errors.ts';
import { createRealKafka } from '../../../platform/kafka/kafkajs/real-kafka.ts';
import { RecordBatchReader } from '../../../platform/kafka/kafkajs/protocol/record-batch-reader.ts';
import type { LogRecord, ProduceRecord, Producer, TopicPartition } from '../../../platform/kafka/port.ts';
import { createSimulatedCluster, type SimulatedCluster } from '../../../platform/kafka/simulated/index.ts';
import { silentLogger } from '../../../platform/log.ts';
import { createRandom, type Random } from '../../../platform/random.ts';
import { SimulatedHost } from '../../../platform/simulation/simulated-host.ts';
import { VirtualTime } from '../../../platform/simulation/virtual-time.ts';
import { deadLetterTopic, lateTopic } from '../../../schemas/topics.ts';
import type { WatermarkOptions } from '../time/watermark.ts';
import type { Subtopology } from '../topology.ts';
import { ANY_REQUEST, type Fault } from './faults.ts';
import { asItIs, Instance, type InstanceEnvironment } from './instance.ts';
import { SimulatedOnlineStore, SimulatedTables } from './services.ts';

/** A record that somebody publishes at some moment of the simulation. */
export interface SimulatedInput extends Pick<ProduceRecord, 'topic' | 'key' | 'value' | 'partition'> {
  readonly atMs: number;
}

export interface WorldOptions {
  readonly seed: number;
  readonly subtopologies: readonly Subtopology[];
  readonly partitions: number;
  readonly instances: number;
  readonly brokers: number;
  /** Epoch milliseconds at the beginning. */
  readonly startMs: number;
  readonly watermark: WatermarkOptions;
  readonly commitIntervalMs: number;
  readonly withStandbys: boolean;
  readonly guarantee?: InstanceEnvironment['guarantee'];
  readonly transactionTimeoutMs?: InstanceEnvironment['transactionTimeoutMs'];
  readonly alter?: InstanceEnvironment['alter'];
  readonly alterConnect?: InstanceEnvironment['alterConnect'];
}

/** A record that the cluster has acknowledged to the publisher. */
export interface Acknowledged extends TopicPartition {
  readonly offset: number;
  readonly input: SimulatedInput;
}

export const GROUP = 'simulation';
const CALM_POLL_MS = 100;

/** Everything that a simulation consists of, on one clock. */
export class World {
  readonly time = new VirtualTime();
  readonly cluster: SimulatedCluster;
  readonly tables: SimulatedTables;
  readonly online: SimulatedOnlineStore;
  readonly acknowledged: Acknowledged[] = [];
  /** How often each record was sent: again where it was not acknowledged. */
  readonly attempts = new Map<SimulatedInput, number>();
  readonly bugs: string[] = [];
  faultsInjected = 0;
  readonly #options: WorldOptions;
  readonly #instances: readonly Instance[];
  readonly #publisher: Producer;
  readonly #publisherHost: SimulatedHost;
  /** Records that are not acknowledged yet, those to come included. */
  #unacknowledged = 0;

  constructor(options: WorldOptions) {
    const { seed, startMs, alterConnect = asItIs } = options;
    const random = (part: string): Random => createRandom(seed, part);
    this.#options = options;
    this.cluster = createSimulatedCluster({
      ...{ scheduler: this.time.scheduler(startMs, random('cluster clock')), random: random('cluster') },
      brokers: options.brokers,
    });
    this.tables = new SimulatedTables(this.time, random('tables'));
    this.online = new SimulatedOnlineStore(this.time, random('online'));
    const env: InstanceEnvironment = {
      ...options,
      ...{ time: this.time, cluster: this.cluster, tables: this.tables, online: this.online },
      ...{ groupId: GROUP, onBug: (text) => void this.bugs.push(text) },
    };
    this.#instances = Array.from(
      { length: options.instances },
      (_, index) => new Instance(env, random(`instance ${index}`)),
    );
    this.#publisherHost = new SimulatedHost(this.time, random('publisher'), startMs);
    this.#publisher = createRealKafka({
      ...{ brokers: this.cluster.bootstrap, clientId: 'publisher', log: silentLogger() },
      ...{
        connect: alterConnect(this.cluster.connectFrom(this.#publisherHost)),
        scheduler: this.#publisherHost,
      },
    }).producer();
    this.#createTopics();
  }

  start(): void {
    for (const instance of this.#instances) instance.start();
  }

  /** Publishes when it is time, again where it was not acknowledged: as an outbox does. */
  publish(inputs: readonly SimulatedInput[]): void {
    this.#unacknowledged += inputs.length;
    for (const input of inputs)
      this.time.after(input.atMs - this.time.nowMs, () => {
        void this.#send(input).then(() => (this.#unacknowledged -= 1));
      });
  }

  inject(faults: readonly Fault[]): void {
    for (const fault of faults)
      this.time.after(fault.atMs - this.time.nowMs, () => {
        if (this.#carryOut(fault)) this.faultsInjected += 1;
      });
  }

  /** Mends everything: servers run, clocks are right, every process runs. */
  heal(): void {
    for (let node = 1; node <= this.#options.brokers; node++) this.cluster.startBroker(node);
    this.cluster.network.heal();
    this.tables.heal();
    this.online.heal();
    for (const instance of this.#instances) {
      instance.host?.setClockRight();
      instance.start();
    }
  }

  /**
   * Lets time pass until everything that was published is processed and committed, through every topic between the
   * parts of the application.
   * @returns false where that has not come about by the limit
   */
  async settle(untilMs: number): Promise<boolean> {
    if (!(await this.time.run(() => this.#unacknowledged === 0, untilMs))) return false;
    for (let round = 0; round <= this.#options.subtopologies.length; round++) {
      const ends = this.#ends();
      if (!(await this.#runUntil(() => this.#isCommitted(ends), untilMs))) return false;
    }
    return true;
  }

  /** Ends every process in good order, and lets every transaction be shown to readers. False where that takes too long. */
  async stop(untilMs: number): Promise<boolean> {
    let left = this.#instances.length;
    for (const instance of this.#instances) void instance.leave().then(() => (left -= 1));
    return (await this.time.run(() => left === 0, untilMs)) && this.#runUntil(() => this.#isShown(), untilMs);
  }

  /** The committed records of a topic, partition by partition. */
  records(topic: string): readonly (LogRecord & TopicPartition)[] {
    return (this.cluster.topics.get(topic)?.partitions ?? []).flatMap(({ log }, partition) => {
      const { bytes, aborted } = log.read(log.startOffset, Number.POSITIVE_INFINITY);
      const reader = new RecordBatchReader({ bytes, fromOffset: log.startOffset, aborted });
      return reader.read(Number.POSITIVE_INFINITY).map((record) => ({ ...record, topic, partition }));
    });
  }

  async #send(input: SimulatedInput): Promise<void> {
    const { topic, key, value, partition } = input;
    for (;;) {
      this.attempts.set(input, (this.attempts.get(input) ?? 0) + 1);
      try {
        const record = { topic, key, value, timestampMs: this.#publisherHost.now() };
        const [place] = await this.#publisher.send([
          partition === undefined ? record : { ...record, partition },
        ]);
        if (place !== undefined) this.acknowledged.push({ ...place, input });
        return;
      } catch (error) {
        if (!(error instanceof MillraceError) || !error.retryable) {
          this.bugs.push(`a record for ${topic} cannot be published: ${errorText(error)}`);
          return;
        }
        await this.#publisherHost.sleep(100); // not acknowledged: it may be there or not, and is said again
      }
    }
  }

  /** Looks now and then, since nothing tells when a condition has come about. */
  async #runUntil(isOver: () => boolean, untilMs: number): Promise<boolean> {
    while (!isOver()) {
      if (this.time.nowMs >= untilMs) return false;
      const nextMs = this.time.nowMs + CALM_POLL_MS;
      await this.time.run(() => false, nextMs);
    }
    return true;
  }

  #ends(): ReadonlyMap<string, readonly number[]> {
    const inputs = this.#options.subtopologies.flatMap((subtopology) =>
      subtopology.inputs.map(({ topic }) => topic),
    );
    return new Map(
      [...new Set(inputs)].map((topic) => [
        topic,
        (this.cluster.topics.get(topic)?.partitions ?? []).map(({ log }) => log.endOffset),
      ]),
    );
  }

  #isCommitted(ends: ReadonlyMap<string, readonly number[]>): boolean {
    const group = this.cluster.group(GROUP);
    return [...ends].every(([topic, offsets]) =>
      group
        .fetch(offsets.map((_, partition) => ({ topic, partition })))
        .partitions.every(({ offset, partition }) => Math.max(0, offset) >= (offsets[partition] ?? 0)),
    );
  }

  #isShown(): boolean {
    return [...this.cluster.topics.values()].every(({ partitions }) =>
      partitions.every(({ log }) => log.lastStableOffset === log.endOffset),
    );
  }

  #createTopics(): void {
    const { subtopologies, partitions } = this.#options;
    const made = new Set(
      subtopologies
        .flatMap(({ outputs = [] }) => outputs)
        .flatMap(({ topic, made: by }) => (by === undefined ? [] : [topic])),
    );
    const topics = subtopologies.flatMap(({ inputs, outputs = [], writes = [] }) => [
      ...inputs.flatMap(({ topic }) => [topic, lateTopic(topic), deadLetterTopic(topic)]),
      ...outputs.map(({ topic }) => topic),
      ...writes,
    ]);
    const sides = [...made].flatMap((topic) => [topic, lateTopic(topic), deadLetterTopic(topic)]);
    for (const topic of new Set(topics))
      if (!sides.includes(topic)) this.cluster.createTopic({ topic, partitions, config: {} });
  }

  /** False where the fault meets nothing. */
  #carryOut(fault: Fault): boolean {
    switch (fault.kind) {
      case 'kill':
      case 'stop':
      case 'stand-still':
      case 'clock-jump':
        return this.#trouble(fault);
      case 'broker-stop':
        this.time.after(fault.awayMs, () => this.cluster.startBroker(fault.node));
        return this.cluster.stopBroker(fault.node);
      case 'leader-move':
        return this.#moveLeader(fault.which);
      case 'coordinator-move':
        return this.#moveCoordinator(fault.which);
      case 'rebalance':
        this.cluster.group(GROUP).forceRebalance();
        return true;
      case 'request-lost':
      case 'request-unanswered':
      case 'request-delayed': {
        const fate =
          fault.kind === 'request-delayed'
            ? { delayedMs: fault.delayMs }
            : fault.kind === 'request-lost'
              ? 'lost'
              : 'unanswered';
        this.cluster.network.breakNext({ fate, ...(fault.api === ANY_REQUEST ? {} : { api: fault.api }) });
        return true;
      }
      case 'tables-away':
        this.tables.goAway(fault.forMs);
        return true;
      case 'tables-slow':
        this.tables.slowDown(fault.forMs);
        return true;
      case 'tables-unanswered':
        this.tables.loseAnswer();
        return true;
      case 'online-away':
        this.online.goAway(fault.forMs);
        return true;
      case 'online-slow':
        this.online.slowDown(fault.forMs);
        return true;
      case 'online-unanswered':
        this.online.loseAnswer();
        return true;
    }
  }

  #trouble(fault: Extract<Fault, { readonly instance: number }>): boolean {
    const instance = this.#instances[fault.instance];
    if (instance?.host === undefined) return false;
    switch (fault.kind) {
      case 'kill':
        instance.kill(fault.awayMs);
        return true;
      case 'stop':
        instance.stop(fault.awayMs);
        return true;
      case 'stand-still':
        instance.host.standStill(fault.forMs);
        return true;
      case 'clock-jump':
        instance.host.moveClock(fault.byMs);
        return true;
    }
  }

  #moveLeader(which: number): boolean {
    const places = [...this.cluster.topics].flatMap(([topic, { partitions }]) =>
      partitions.map((_, partition) => ({ topic, partition })),
    );
    const place = places[which % places.length];
    if (place !== undefined) this.cluster.moveLeader(place);
    return place !== undefined;
  }

  #moveCoordinator(which: number): boolean {
    const keys = this.cluster.coordinated;
    const found = keys[which % Math.max(1, keys.length)];
    if (found !== undefined) this.cluster.moveCoordinator(found.kind, found.key);
    return found !== undefined;
  }
}
