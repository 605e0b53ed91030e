/**
 * The way between clients and brokers of the simulated cluster: connections that take time, and that break. A broken
 * connection leaves the client without knowing whether its request was carried out; sometimes it still will be.
 */
import { MillraceError } from '../../errors.ts';
import type { Random } from '../../random.ts';
import type { Scheduler } from '../../scheduler.ts';
import type { BrokerConnection, ConnectBroker } from '../kafkajs/broker-connection.ts';
import type { Api } from '../kafkajs/protocol/api.ts';

/** A process that speaks to the cluster. */
export interface NetworkHost {
  /** Of its request time-outs. */
  readonly scheduler: Scheduler;
  /** Runs what came over the network, unless the process is gone; later where it stands still. */
  deliver(call: () => void): void;
}

/** What becomes of the next request that matches: the client learns only that its connection broke. */
export interface RequestFault {
  /** Name of the request in Kafka's protocol; any but Fetch where absent. */
  readonly api?: string;
  /** Never carried out; carried out; carried out so many milliseconds after the client has given it up. */
  readonly fate: 'lost' | 'unanswered' | { readonly delayedMs: number };
}

/** The brokers behind the network. */
export interface Brokers {
  /** Node id of the broker with that name, where it runs. */
  nodeAt(host: string): number | undefined;
  /** False once the broker was stopped, also if it runs again. */
  isSameRun(node: number, run: number): boolean;
  runOf(node: number): number;
  handle(node: number, api: string, request: unknown, answer: (answer: unknown) => void): void;
}

export interface NetworkOptions {
  /** The cluster's clock. */
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly brokers: Brokers;
}

/** Requests of one connection are carried out one after the other; long fetches have a lane of their own. */
interface Lane {
  readonly waiting: (() => void)[];
  isBusy: boolean;
  lastArrivalMs: number;
}

export class Network {
  readonly #options: NetworkOptions;
  readonly #faults: RequestFault[] = [];
  readonly #connections = new Set<SimulatedConnection>();

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  connectFrom(host: NetworkHost): ConnectBroker {
    return async ({ host: name }, settings) => {
      await new Promise<void>((resolve) => this.#travel(() => host.deliver(resolve)));
      const node = this.#options.brokers.nodeAt(name);
      if (node === undefined) throw unavailable(`cannot connect to ${name}: connection refused`);
      const connection = new SimulatedConnection({
        ...{ host, node, network: this, brokers: this.#options.brokers },
        ...{ scheduler: this.#options.scheduler, timeoutMs: settings.requestTimeoutMs },
      });
      this.#connections.add(connection);
      return connection;
    };
  }

  /** Has the next matching request meet a fault. */
  breakNext(fault: RequestFault): void {
    this.#faults.push(fault);
  }

  /** Forgets the faults that no request has met. */
  heal(): void {
    this.#faults.length = 0;
  }

  /** Breaks every connection to a broker. */
  cut(node: number): void {
    for (const connection of [...this.#connections])
      if (connection.node === node) connection.break('the broker is gone');
  }

  forget(connection: SimulatedConnection): void {
    this.#connections.delete(connection);
  }

  takeFault(api: string): RequestFault['fate'] | undefined {
    const at = this.#faults.findIndex((fault) =>
      fault.api === undefined ? api !== 'Fetch' : fault.api === api,
    );
    return at < 0 ? undefined : this.#faults.splice(at, 1)[0]?.fate;
  }

  /** Most messages take a millisecond, some a hundred times as long. */
  latencyMs(): number {
    const { random } = this.#options;
    return random.chance(0.02) ? random.between(10, 150) : random.between(0.2, 2);
  }

  #travel(arrive: () => void): void {
    this.#options.scheduler.after(this.latencyMs(), arrive);
  }
}

interface ConnectionOptions {
  readonly host: NetworkHost;
  readonly node: number;
  readonly network: Network;
  readonly brokers: Brokers;
  readonly scheduler: Scheduler;
  readonly timeoutMs: number;
}

class SimulatedConnection implements BrokerConnection {
  readonly node: number;
  readonly #options: ConnectionOptions;
  readonly #run: number;
  readonly #open = new Set<(error: MillraceError) => void>();
  readonly #requests: Lane = { waiting: [], isBusy: false, lastArrivalMs: 0 };
  readonly #fetches: Lane = { waiting: [], isBusy: false, lastArrivalMs: 0 };
  #isAlive = true;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.node = options.node;
    this.#run = options.brokers.runOf(options.node);
  }

  isAlive(): boolean {
    return this.#isAlive;
  }

  call<Q, S>(api: Api<Q, S>, request: Q, timeoutMs = this.#options.timeoutMs): Promise<S> {
    const { host, network } = this.#options;
    return new Promise<S>((resolve, reject) => {
      if (!this.#isAlive) {
        reject(unavailable('the connection is closed'));
        return;
      }
      const settle = (): void => {
        forgetTimeout();
        this.#open.delete(fail);
      };
      const fail = (error: MillraceError): void => {
        settle();
        reject(error);
      };
      const forgetTimeout = host.scheduler.after(timeoutMs, () =>
        this.break(`no answer within ${timeoutMs} ms`),
      );
      this.#open.add(fail);
      this.#send(api.name, request, network.takeFault(api.name), (answer) => {
        settle();
        resolve(answer as S);
      });
    });
  }

  destroy(): void {
    this.break('the connection was closed');
  }

  /** What is under way may still be carried out, but is never answered. */
  break(reason: string): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.#options.network.forget(this);
    for (const fail of [...this.#open]) this.#options.host.deliver(() => fail(unavailable(reason)));
  }

  #send(
    api: string,
    request: unknown,
    fate: RequestFault['fate'] | undefined,
    answered: (answer: unknown) => void,
  ): void {
    const { scheduler, network, brokers, node } = { ...this.#options, node: this.node };
    const breakSoon = (): void =>
      void scheduler.after(network.latencyMs(), () => this.break('connection reset'));
    if (fate === 'lost') {
      breakSoon();
      return;
    }
    if (typeof fate === 'object') {
      scheduler.after(fate.delayedMs, () => {
        if (brokers.isSameRun(node, this.#run)) brokers.handle(node, api, request, () => undefined);
      });
      breakSoon();
      return;
    }
    const lane = api === 'Fetch' ? this.#fetches : this.#requests;
    const nowMs = scheduler.elapsedMs();
    lane.lastArrivalMs = Math.max(lane.lastArrivalMs, nowMs + network.latencyMs());
    scheduler.after(lane.lastArrivalMs - nowMs, () => {
      lane.waiting.push(() => {
        brokers.handle(node, api, request, (answer) => {
          if (!brokers.isSameRun(node, this.#run)) return;
          this.#next(lane);
          if (fate === 'unanswered') breakSoon();
          else this.#answer(answer, answered);
        });
      });
      if (!lane.isBusy) this.#next(lane);
    });
  }

  #next(lane: Lane): void {
    const next = lane.waiting.shift();
    lane.isBusy = next !== undefined;
    // A client that has closed its end takes what it has sent along only where the broker has not begun with it.
    if (next !== undefined && this.#options.brokers.isSameRun(this.node, this.#run)) next();
  }

  #answer(answer: unknown, answered: (answer: unknown) => void): void {
    const { scheduler, network, host } = this.#options;
    scheduler.after(network.latencyMs(), () =>
      host.deliver(() => {
        if (this.#isAlive) answered(answer);
      }),
    );
  }
}

function unavailable(reason: string): MillraceError {
  return new MillraceError('MR_KAFKA_UNAVAILABLE', reason);
}
