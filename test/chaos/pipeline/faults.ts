import { setTimeout as sleep } from 'node:timers/promises';
import type { NetworkLink } from './network-link.ts';
import type { FaultKind, PlannedFault } from './plan.ts';
import type { Processor } from './processor.ts';
import type { Producer } from './producer.ts';
import type { Servers } from './servers.ts';

const IN_SYNC_TIMEOUT_MS = 120_000;

/** A server outside the group, and the way to it that all processors share. */
export interface Store {
  readonly servers: Servers;
  readonly link: NetworkLink;
}

/** What faults happen to. */
export interface Victims {
  readonly brokers: Servers;
  readonly redis: Store;
  readonly clickhouse: Store;
  readonly producer: Producer;
  /** The instances of now; {@link join} adds one. */
  readonly processors: Set<Processor>;
  join(): Promise<Processor>;
}

export type FaultCounts = Record<FaultKind, number>;

/**
 * Carries out the plan, each fault at its time and beside those that last. Resolves when the last one is over; rejects
 * with the first that could not be carried out or undone.
 */
export async function carryOut(
  plan: readonly PlannedFault[],
  victims: Victims,
  onFault: (fault: PlannedFault, victim: string) => void,
): Promise<void> {
  const startMs = performance.now();
  let failure: { readonly error: unknown } | undefined;
  const running = new Set<Promise<void>>();
  for (const fault of plan) {
    await sleep(Math.max(0, startMs + fault.atMs - performance.now()));
    if (failure !== undefined) break;
    const done = happen(fault, victims, (victim) => onFault(fault, victim))
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => running.delete(done));
    running.add(done);
  }
  await Promise.all(running);
  // It was set by one of those that ran beside.
  const failed = failure as { readonly error: unknown } | undefined;
  if (failed !== undefined) throw failed.error;
}

async function happen(fault: PlannedFault, victims: Victims, note: (victim: string) => void): Promise<void> {
  const { kind, pick, forMs } = fault;
  const processor = chosen(
    [...victims.processors].filter(({ isUp }) => isUp),
    pick,
  );
  const half = pick * 2 < 1;
  switch (kind) {
    case 'processor-kill':
      if (processor === undefined) return;
      note(processor.name);
      await processor.restart('SIGKILL', forMs);
      return;
    case 'processor-stop':
      if (processor === undefined) return;
      note(processor.name);
      await processor.restart('SIGTERM', forMs);
      return;
    case 'processor-freeze':
      if (processor === undefined) return;
      note(processor.name);
      await processor.freeze(forMs);
      return;
    case 'processor-cut':
      if (processor === undefined) return;
      note(`${processor.name} ${half ? 'cut' : 'frozen'}`);
      await processor.disconnect(half ? 'cut' : 'freeze', forMs);
      return;
    case 'processor-join':
      return joinAndLeave(victims, forMs, note);
    case 'broker-kill':
    case 'broker-stop':
      return restartBroker(victims.brokers, fault, note);
    case 'redis-kill':
    case 'clickhouse-kill':
      return restartOne(storeOf(kind, victims).servers, fault, note);
    case 'redis-cut':
    case 'clickhouse-cut': {
      const { link } = storeOf(kind, victims);
      note(half ? 'cut' : 'frozen');
      link[half ? 'cut' : 'freeze'](true);
      await sleep(forMs);
      link[half ? 'cut' : 'freeze'](false);
      return;
    }
    case 'producer-kill':
      note('producer');
      await victims.producer.killAndRestart(forMs);
  }
}

function storeOf(
  kind: 'redis-kill' | 'redis-cut' | 'clickhouse-kill' | 'clickhouse-cut',
  victims: Victims,
): Store {
  return kind.startsWith('redis') ? victims.redis : victims.clickhouse;
}

async function joinAndLeave(victims: Victims, forMs: number, note: (victim: string) => void): Promise<void> {
  const guest = await victims.join();
  note(guest.name);
  await sleep(forMs);
  victims.processors.delete(guest);
  await guest.leave();
}

async function restartOne(
  servers: Servers,
  { pick, forMs }: PlannedFault,
  note: (victim: string) => void,
): Promise<void> {
  const service = chosen(await servers.list(), pick);
  if (service === undefined) return;
  note(service.name);
  await servers.end(service, 'kill');
  await sleep(forMs);
  await servers.up();
}

/** Brokers that are being restarted; the next one waits for as long as this machine takes. */
const restarting = new WeakMap<Servers, Promise<void>>();

async function restartBroker(
  brokers: Servers,
  fault: PlannedFault,
  note: (victim: string) => void,
): Promise<void> {
  const before = restarting.get(brokers) ?? Promise.resolve();
  const run = before.then(async () => {
    const all = await brokers.list();
    // The first is the controller too, which brokers need in order to go in peace: it is only killed.
    const broker = chosen(fault.kind === 'broker-stop' ? all.slice(1) : all, fault.pick);
    if (broker === undefined) return;
    note(broker.name);
    await brokers.end(broker, fault.kind === 'broker-stop' ? 'stop' : 'kill');
    await sleep(fault.forMs);
    await brokers.up();
    await brokers.untilInSync(IN_SYNC_TIMEOUT_MS);
  });
  restarting.set(brokers, run);
  return run;
}

function chosen<T>(all: readonly T[], pick: number): T | undefined {
  return all[Math.floor(pick * all.length)];
}
