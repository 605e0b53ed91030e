import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '../../platform/errors.ts';
import { startClickhouse } from './clickhouse-server.ts';
import { STACK_USER, type Credentials } from './credentials.ts';
import type { ExtraListener } from './kafka-config.ts';
import { randomClusterId, startKafkaNode } from './kafka-server.ts';
import type { Launched } from './launch.ts';
import { choosePort } from './ports.ts';
import { startPostgres } from './postgres-server.ts';
import { redisHasTls, startRedis } from './redis-server.ts';
import { writeState, type StackService, type StackServiceKind, type StackState } from './state.ts';
import type { TlsFiles } from './tls-files.ts';

export interface StartContext {
  readonly dir: string;
  /** Folder of Kafka's jars. */
  readonly libDir: string;
  readonly services: readonly StackServiceKind[];
  readonly brokers: number;
  readonly heapMb: number;
  readonly isShortLived: boolean;
  readonly anyPorts: boolean;
  readonly credentials: Credentials;
  /** Of the secure profile. */
  readonly tls: TlsFiles | undefined;
  readonly extraListeners: readonly ExtraListener[] | undefined;
  /** Told which server starts now. */
  readonly onStart: (name: string) => void;
  /** Told what the user should know when all is done. */
  readonly onNotice: (line: string) => void;
}

/** What state.json said, and which of its servers still run. */
export interface LivingState {
  readonly state: StackState;
  readonly living: readonly StackService[];
}

interface Recorded {
  readonly kind: StackServiceKind;
  readonly port: number;
  readonly tls: boolean;
}

interface Start extends StartContext {
  readonly ports: (name: string, usual: number) => Promise<number>;
  readonly isMissing: (name: string) => boolean;
  readonly record: (launched: Launched, about: Recorded) => Promise<void>;
}

const USUAL_PORTS = { kafka: 9092, controller: 9091, redis: 6379, postgres: 5432, clickhouse: 8123 } as const;

/**
 * Starts every wanted server that does not run, on the port it had before where that is free. state.json names a
 * server as soon as it has been started, so that `stack down` finds it after any crash of this process.
 */
export async function startMissing(context: StartContext, before: LivingState): Promise<StackState> {
  refuseOtherShape(context, before);
  const secure = context.tls !== undefined;
  let state: StackState = { ...before.state, secure, services: [...before.living] };
  const start: Start = {
    ...context,
    ports: portChooser(context, before),
    isMissing: (name) => !state.services.some((service) => service.name === name),
    record: async ({ name, dir, ref }, about) => {
      const service = { name, ...about, ...ref, dir, version: '', startedAtMs: Date.now() };
      state = { ...state, services: [...state.services, service] };
      await writeState(context.dir, state);
    },
  };
  const wants = (kind: StackServiceKind) => context.services.includes(kind);
  if (wants('redis') && start.isMissing('redis')) await startOneRedis(start);
  if (wants('postgres') && start.isMissing('postgres')) await startOnePostgres(start);
  if (wants('clickhouse') && start.isMissing('clickhouse')) await startOneClickhouse(start);
  if (wants('kafka')) {
    if (start.isMissing('kafka-1'))
      state = { ...state, controllerPort: await start.ports('controller', USUAL_PORTS.controller) };
    await startBrokers(start, state.controllerPort);
  }
  return state;
}

async function startOneRedis({ dir, tls, credentials, ports, record, onStart }: Start): Promise<void> {
  onStart('redis');
  const port = await ports('redis', USUAL_PORTS.redis);
  const redisTls = tls !== undefined && (await redisHasTls()) ? tls : undefined;
  const security = tls === undefined ? undefined : { password: credentials.redis, tls: redisTls };
  const launched = await startRedis(port, join(dir, 'redis'), security);
  await record(launched, { kind: 'redis', port, tls: redisTls !== undefined });
}

async function startOnePostgres({ dir, tls, credentials, ports, record, onStart }: Start): Promise<void> {
  onStart('postgres');
  const port = await ports('postgres', USUAL_PORTS.postgres);
  const launched = await startPostgres({
    port,
    dir: join(dir, 'postgres'),
    user: STACK_USER,
    password: credentials.postgres,
    database: STACK_USER,
    ...(tls === undefined
      ? {}
      : {
          tls: {
            certificate: await readFile(tls.certificate, 'utf8'),
            key: await readFile(tls.key, 'utf8'),
          },
        }),
  });
  await record(launched, { kind: 'postgres', port, tls: tls !== undefined });
}

async function startOneClickhouse({ dir, credentials, ports, record, onStart }: Start): Promise<void> {
  onStart('clickhouse');
  const port = await ports('clickhouse', USUAL_PORTS.clickhouse);
  const launched = await startClickhouse(port, join(dir, 'clickhouse'), credentials);
  await record(launched, { kind: 'clickhouse', port, tls: false });
}

async function startBrokers(start: Start, controllerPort: number): Promise<void> {
  const { tls, brokers } = start;
  const security =
    tls === undefined ? undefined : { ...tls, user: STACK_USER, password: start.credentials.kafka };
  const cluster = { brokers, controllerPort, security };
  // How internal topics are replicated and who may log in is fixed by the first start: each shape has data of its own.
  const shape = `${brokers}-brokers${tls === undefined ? '' : '-secure'}`;
  const clusterDir = join(start.dir, 'kafka', shape);
  const files = { libDir: start.libDir, clusterId: await clusterId(clusterDir) };
  for (let nodeId = 1; nodeId <= brokers; nodeId++) {
    const name = `kafka-${nodeId}`;
    if (!start.isMissing(name)) continue;
    start.onStart(name);
    const clientPort = await start.ports(name, USUAL_PORTS.kafka + nodeId - 1);
    const node = {
      nodeId,
      clientPort,
      dir: join(clusterDir, name),
      heapMb: start.heapMb,
      isShortLived: start.isShortLived,
      extraListeners: start.extraListeners,
    };
    const launched = await startKafkaNode(node, cluster, files);
    await start.record(launched, { kind: 'kafka', port: clientPort, tls: tls !== undefined });
  }
}

function refuseOtherShape(context: StartContext, before: LivingState): void {
  if (before.living.length > 0 && before.state.secure !== (context.tls !== undefined)) {
    const [now, wanted] = before.state.secure ? ['with', 'without'] : ['without', 'with'];
    throw new MillraceError(
      'MR_STACK_START_FAILED',
      `The stack runs ${now} TLS and passwords, not ${wanted}; run \`millrace stack down\` first.`,
    );
  }
  const isKafka = (service: StackService) => service.kind === 'kafka';
  const size = before.state.services.filter(isKafka).length;
  if (!context.services.includes('kafka') || size === context.brokers || !before.living.some(isKafka)) return;
  throw new MillraceError(
    'MR_STACK_START_FAILED',
    `The stack runs with ${size} broker(s), not ${context.brokers}; run \`millrace stack down\` first.`,
  );
}

function portChooser(context: StartContext, before: LivingState) {
  const taken = new Set<number>();
  return async (name: string, usual: number): Promise<number> => {
    const found =
      name === 'controller'
        ? before.state.controllerPort
        : before.state.services.find((service) => service.name === name)?.port;
    const earlier = found === 0 ? undefined : found;
    const preferred = earlier ?? (context.anyPorts ? 0 : usual);
    const port = await choosePort(preferred, taken);
    taken.add(port);
    if (preferred !== 0 && port !== preferred)
      context.onNotice(`${name}: port ${preferred} is in use by another program; it is on ${port}`);
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
