import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '../../platform/errors.ts';
import { randomClusterId, startKafkaNode } from './kafka-server.ts';
import type { Launched } from './launch.ts';
import { choosePort } from './ports.ts';
import { startRedis } from './redis-server.ts';
import { writeState, type StackService, type StackState } from './state.ts';

export interface StartContext {
  readonly dir: string;
  /** Folder of Kafka's jars. */
  readonly libDir: string;
  readonly services: readonly ('kafka' | 'redis')[];
  readonly brokers: number;
  readonly heapMb: number;
  readonly anyPorts: boolean;
}

interface Before {
  readonly state: StackState;
  readonly living: readonly StackService[];
}

const KAFKA_PORT = 9092;
/** Below the brokers' ports, so that 9092, 9093, … stay free for them. */
const CONTROLLER_PORT = 9091;
const REDIS_PORT = 6379;

/**
 * Starts every wanted server that does not run, on the port it had before where that is free. state.json names a
 * server as soon as it has been started, so that `stack down` finds it after any crash of this process.
 */
export async function startMissing(
  context: StartContext,
  before: Before,
  onStart: (name: string) => void,
): Promise<StackState> {
  refuseOtherSize(context, before);
  let state: StackState = { ...before.state, services: [...before.living] };
  const isMissing = (name: string) => !state.services.some((service) => service.name === name);
  const record = async (launched: Launched, kind: StackService['kind'], port: number) => {
    const { name, dir, ref } = launched;
    state = { ...state, services: [...state.services, { name, kind, ...ref, port, dir }] };
    await writeState(context.dir, state);
  };
  const ports = portChooser(context, before);
  if (context.services.includes('redis') && isMissing('redis')) {
    onStart('redis');
    const port = await ports('redis', REDIS_PORT);
    await record(await startRedis(port, join(context.dir, 'redis')), 'redis', port);
  }
  if (context.services.includes('kafka')) {
    if (isMissing('kafka-1'))
      state = { ...state, controllerPort: await ports('controller', CONTROLLER_PORT) };
    const cluster = { brokers: context.brokers, controllerPort: state.controllerPort };
    // The number of brokers decides how internal topics are replicated: each size keeps data of its own.
    const clusterDir = join(context.dir, 'kafka', `${context.brokers}-brokers`);
    const files = { libDir: context.libDir, clusterId: await clusterId(clusterDir) };
    for (let nodeId = 1; nodeId <= context.brokers; nodeId++) {
      const name = `kafka-${nodeId}`;
      if (!isMissing(name)) continue;
      onStart(name);
      const clientPort = await ports(name, KAFKA_PORT + nodeId - 1);
      const node = { nodeId, clientPort, dir: join(clusterDir, name), heapMb: context.heapMb };
      await record(await startKafkaNode(node, cluster, files), 'kafka', clientPort);
    }
  }
  return state;
}

function refuseOtherSize(context: StartContext, before: Before): void {
  const isKafka = (service: StackService) => service.kind === 'kafka';
  const size = before.state.services.filter(isKafka).length;
  if (!context.services.includes('kafka') || size === context.brokers || !before.living.some(isKafka)) return;
  throw new MillraceError(
    'MR_STACK_START_FAILED',
    `The stack runs with ${size} broker(s), not ${context.brokers}; run \`millrace stack down\` first.`,
  );
}

function portChooser(context: StartContext, before: Before) {
  const taken = new Set<number>();
  return async (name: string, usual: number): Promise<number> => {
    const earlier =
      name === 'controller'
        ? before.state.controllerPort
        : before.state.services.find((service) => service.name === name)?.port;
    const preferred = earlier !== undefined && earlier !== 0 ? earlier : context.anyPorts ? 0 : usual;
    const port = await choosePort(preferred, taken);
    taken.add(port);
    return port;
  };
}

/** The id of the cluster whose data are in that folder; made at the first start. */
async function clusterId(clusterDir: string): Promise<string> {
  await mkdir(clusterDir, { recursive: true });
  const file = join(clusterDir, 'cluster-id');
  try {
    await writeFile(file, randomClusterId(), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFile(file, 'utf8');
}
