/**
 * A Kafka cluster in memory with the semantics of the real one, for simulations: brokers that stop, leaders and
 * coordinators that move, requests that get lost before or after they were carried out. The product's own client runs
 * against it unchanged; kafka.contract.ts holds it to what Apache Kafka does.
 */
import type { Random } from '../../random.ts';
import type { Scheduler } from '../../scheduler.ts';
import type { TopicPartition } from '../port.ts';
import type { ConnectBroker } from '../kafkajs/broker-connection.ts';
import type { CoordinatorKind, NewTopic } from '../kafkajs/protocol/metadata-api.ts';
import { GroupCoordinator } from './group-coordinator.ts';
import { Network, type NetworkHost } from './network.ts';
import { PartitionLog } from './partition-log.ts';
import { TransactionCoordinator } from './transaction-coordinator.ts';

export interface SimulatedClusterOptions {
  /** Clock of the cluster's machines. */
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** 3 where absent. */
  readonly brokers?: number;
  /** What a broker answers, by the name of the request. */
  readonly apis: ReadonlyMap<string, Handle>;
}

/** The broker that a request has reached. */
export interface Served {
  readonly cluster: SimulatedCluster;
  readonly node: number;
}

export type Handle = (at: Served, request: unknown, answer: (answer: unknown) => void) => void;

interface Broker {
  readonly id: number;
  isUp: boolean;
  /** Rises with each start. */
  run: number;
}

export interface SimulatedPartition {
  readonly log: PartitionLog;
  /** Node id; undefined while a new leader is elected. */
  leader: number | undefined;
}

export interface SimulatedTopic {
  /** Of this topic and no later one of its name. */
  readonly id: string;
  readonly partitions: readonly SimulatedPartition[];
  readonly config: Readonly<Record<string, string>>;
}

interface Coordinator {
  readonly kind: CoordinatorKind;
  readonly key: string;
  node: number;
  /** It answers that it is loading until then. */
  readyAtMs: number;
}

/** How long the election of a leader takes. */
const ELECTION_MS = { min: 20, max: 400 };

export class SimulatedCluster {
  readonly network: Network;
  readonly transactions: TransactionCoordinator;
  readonly scheduler: Scheduler;
  readonly #random: Random;
  readonly #brokers: readonly Broker[];
  readonly #topics = new Map<string, SimulatedTopic>();
  readonly #groups = new Map<string, GroupCoordinator>();
  readonly #coordinators = new Map<string, Coordinator>();
  #topicsMade = 0;

  constructor({ scheduler, random, apis, brokers = 3 }: SimulatedClusterOptions) {
    this.scheduler = scheduler;
    this.#random = random;
    this.#brokers = Array.from({ length: brokers }, (_, index) => ({ id: index + 1, isUp: true, run: 0 }));
    this.transactions = new TransactionCoordinator({
      scheduler,
      markerDelayMs: () => (random.chance(0.05) ? random.between(20, 1000) : random.between(0, 5)),
      partition: ({ topic, partition }) => this.#topics.get(topic)?.partitions[partition]?.log,
      group: (groupId) => this.group(groupId),
    });
    this.network = new Network({
      ...{ scheduler, random },
      brokers: {
        nodeAt: (host) => this.#brokers.find((broker) => broker.isUp && nameOf(broker) === host)?.id,
        runOf: (node) => this.#broker(node)?.run ?? -1,
        isSameRun: (node, run) => this.#broker(node)?.isUp === true && this.#broker(node)?.run === run,
        handle: (node, api, request, answer) => {
          const handle = apis.get(api);
          if (handle === undefined) throw new Error(`the simulated brokers do not know ${api}`);
          handle({ cluster: this, node }, request, answer);
        },
      },
    });
  }

  /** What a client is told to connect to first. */
  get bootstrap(): readonly string[] {
    return this.#brokers.map((broker) => `${nameOf(broker)}:9092`);
  }

  /** How a process connects. */
  connectFrom(host: NetworkHost): ConnectBroker {
    return this.network.connectFrom(host);
  }

  /** Brokers that run, the controller first. */
  get running(): readonly { readonly nodeId: number; readonly host: string; readonly port: number }[] {
    return this.#brokers
      .filter(({ isUp }) => isUp)
      .map((broker) => ({ nodeId: broker.id, host: nameOf(broker), port: 9092 }));
  }

  get topics(): ReadonlyMap<string, SimulatedTopic> {
    return this.#topics;
  }

  partition({ topic, partition }: TopicPartition): SimulatedPartition | undefined {
    return this.#topics.get(topic)?.partitions[partition];
  }

  group(groupId: string): GroupCoordinator {
    let group = this.#groups.get(groupId);
    if (group === undefined)
      this.#groups.set(groupId, (group = new GroupCoordinator(groupId, this.scheduler)));
    return group;
  }

  /** Groups and transactional ids that somebody has asked for. */
  get coordinated(): readonly { readonly kind: CoordinatorKind; readonly key: string }[] {
    return [...this.#coordinators.values()];
  }

  createTopic({ topic, partitions, config }: NewTopic): void {
    const running = this.running;
    this.#topics.set(topic, {
      id: `topic-${++this.#topicsMade}`,
      config,
      partitions: Array.from({ length: partitions }, (_, p) => ({
        log: new PartitionLog(),
        leader: running[(p + this.#topics.size) % running.length]?.nodeId,
      })),
    });
  }

  deleteTopic(topic: string): boolean {
    return this.#topics.delete(topic);
  }

  /** Where a group or a transactional id is coordinated; undefined while no broker runs. */
  coordinator(kind: CoordinatorKind, key: string): Coordinator | undefined {
    const name = `${kind}/${key}`;
    const known = this.#coordinators.get(name);
    if (known !== undefined && this.#broker(known.node)?.isUp === true) return known;
    const node = this.#another(known?.node);
    if (node === undefined) return undefined;
    const readyAtMs = known === undefined ? 0 : this.scheduler.elapsedMs() + this.#electionMs();
    const found = { kind, key, node, readyAtMs };
    this.#coordinators.set(name, found);
    return found;
  }

  /** Ends a broker; what it led moves to others. The last one does not stop. */
  stopBroker(node: number): boolean {
    const broker = this.#broker(node);
    if (broker?.isUp !== true || this.running.length === 1) return false;
    broker.isUp = false;
    broker.run += 1;
    this.network.cut(node);
    for (const topic of this.#topics.values())
      for (const partition of topic.partitions) if (partition.leader === node) this.#elect(partition, node);
    return true;
  }

  startBroker(node: number): void {
    const broker = this.#broker(node);
    if (broker !== undefined) broker.isUp = true;
  }

  /** Gives a partition to another leader. */
  moveLeader(place: TopicPartition): void {
    const partition = this.partition(place);
    if (partition?.leader !== undefined) this.#elect(partition, partition.leader);
  }

  /** Gives a group or a transactional id to another coordinator, which has to load it first. */
  moveCoordinator(kind: CoordinatorKind, key: string): void {
    const known = this.coordinator(kind, key);
    const node = this.#another(known?.node);
    if (known === undefined || node === undefined) return;
    known.node = node;
    known.readyAtMs = this.scheduler.elapsedMs() + this.#electionMs();
  }

  #elect(partition: SimulatedPartition, without: number): void {
    partition.leader = undefined;
    this.scheduler.after(this.#electionMs(), () => {
      partition.leader ??= this.#another(without);
      for (const waiter of [...partition.log.waiters]) waiter();
    });
  }

  /** A broker that runs, and another one where there is one. */
  #another(than: number | undefined): number | undefined {
    const others = this.running.filter(({ nodeId }) => nodeId !== than);
    const from = others.length > 0 ? others : this.running;
    return from.length === 0 ? undefined : this.#random.pick(from).nodeId;
  }

  #electionMs(): number {
    return this.#random.between(ELECTION_MS.min, ELECTION_MS.max);
  }

  #broker(node: number): Broker | undefined {
    return this.#brokers[node - 1];
  }
}

function nameOf({ id }: Broker): string {
  return `broker-${id}`;
}
