/**
 * Real servers without Docker: Apache Kafka (KRaft) and Redis as processes of this machine, for development, tests and
 * benchmarks. Everything lives in one folder; only what state.json names is ever ended.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '../../platform/errors.ts';
import { PACKAGE_ROOT } from '../../schemas/package-root.ts';
import { ensureKafkaJars, requireJava } from './kafka-jars.ts';
import { untilAnswers } from './launch.ts';
import { withLock } from './lock.ts';
import { kafkaAnswers, redisAnswers } from './probe.ts';
import { endProcess, isRunning } from './process-identity.ts';
import { requireRedis } from './redis-server.ts';
import { startMissing, type StartContext } from './start-missing.ts';
import { readState, writeState, type StackService, type StackState } from './state.ts';

export type StackServiceKind = 'kafka' | 'redis';

export interface StackOptions {
  /** Folder of state, data and logs; `.millrace/stack` of the checkout by default. Tests give one of their own. */
  readonly dir?: string;
  /** Folder of downloads; `.cache` of the checkout by default. */
  readonly cacheDir?: string;
  /** Both by default. */
  readonly services?: readonly StackServiceKind[];
  /** Kafka brokers, 1 by default; from 3 on topics have three replicas, two of them in sync. */
  readonly brokers?: number;
  /** Java heap of each broker, 768 MB by default. */
  readonly heapMb?: number;
  /** Takes any free ports instead of 9092 and 6379, so that several stacks can run side by side. */
  readonly anyPorts?: boolean;
  /** Told what is under way, a line at a time. */
  readonly onProgress?: (line: string) => void;
}

/** Where the servers answer; empty for a service that was not asked for. */
export interface StackEndpoints {
  /** Value of MR_KAFKA_BROKERS. */
  readonly brokers: string;
  /** Value of MR_REDIS_URL. */
  readonly redisUrl: string;
}

export interface ServiceStatus {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  readonly running: boolean;
  readonly answers: boolean;
}

export const DEFAULT_STACK_DIR: string = join(PACKAGE_ROOT, '.millrace', 'stack');
export const DEFAULT_CACHE_DIR: string = join(PACKAGE_ROOT, '.cache');
const START_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 20_000;
const LOCK_WAIT_MS = 60_000;
const PROBE_TIMEOUT_MS = 2000;

/**
 * Starts what is not running yet and waits until everything answers; servers that run already are left alone.
 * On failure the servers of this call are ended again.
 * @throws MillraceError MR_STACK_JAVA_MISSING, MR_STACK_MAVEN_MISSING, MR_STACK_REDIS_MISSING,
 * MR_STACK_DOWNLOAD_FAILED, MR_STACK_START_FAILED, MR_STACK_BUSY, MR_STACK_STATE_INVALID
 */
export async function stackUp(options: StackOptions = {}): Promise<StackEndpoints> {
  const dir = options.dir ?? DEFAULT_STACK_DIR;
  const services = options.services ?? ['kafka', 'redis'];
  const onProgress = options.onProgress ?? (() => undefined);
  if (services.includes('redis')) await requireRedis();
  if (services.includes('kafka')) await requireJava();
  return withLock(dir, LOCK_WAIT_MS, async () => {
    const libDir = services.includes('kafka')
      ? await ensureKafkaJars(options.cacheDir ?? DEFAULT_CACHE_DIR, onProgress)
      : '';
    const context: StartContext = {
      dir,
      libDir,
      services,
      brokers: options.brokers ?? 1,
      heapMb: options.heapMb ?? 768,
      anyPorts: options.anyPorts ?? false,
    };
    const before = livingState(await readState(dir));
    return endpoints(await startAndWait(context, onProgress, before));
  });
}

async function startAndWait(
  context: StartContext,
  onProgress: (line: string) => void,
  before: LivingState,
): Promise<StackState> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  const startedMs = performance.now();
  try {
    const state = await startMissing(context, before, (name) => onProgress(`${name}: starting`));
    for (const service of state.services) {
      const waiting = () => {
        const seconds = Math.round((performance.now() - startedMs) / 1000);
        onProgress(`${service.name}: waiting for an answer, ${seconds} s`);
        return answers(service);
      };
      await untilAnswers({ ...service, ref: service }, waiting, deadlineMs);
    }
    return state;
  } catch (error) {
    const oldPids = new Set(before.living.map((service) => service.pid));
    const launched = (await readState(context.dir)).services.filter((service) => !oldPids.has(service.pid));
    await Promise.all(launched.map((service) => endProcess(service, END_TIMEOUT_MS)));
    await writeState(context.dir, { ...before.state, services: [...before.living] });
    throw error;
  }
}

/** What state.json says, and which of its servers still run. */
export interface LivingState {
  readonly state: StackState;
  readonly living: readonly StackService[];
}

function livingState(state: StackState): LivingState {
  return { state, living: state.services.filter((service) => isRunning(service)) };
}

export interface StackDownOptions {
  readonly dir?: string;
  /** Deletes topics, keys and logs as well. */
  readonly wipe?: boolean;
}

export interface EndedService {
  readonly name: string;
  readonly pid: number;
  readonly how: 'gone' | 'ended' | 'killed';
}

/**
 * Ends exactly the servers that `stackUp` has started: SIGTERM, SIGKILL after 20 s. The controller goes last, since the
 * other brokers hand their partitions over through it.
 */
export async function stackDown(options: StackDownOptions = {}): Promise<EndedService[]> {
  const dir = options.dir ?? DEFAULT_STACK_DIR;
  return withLock(dir, LOCK_WAIT_MS, async () => {
    const { services, ...rest } = await readState(dir);
    const end = async (service: StackService): Promise<EndedService> => ({
      name: service.name,
      pid: service.pid,
      how: await endProcess(service, END_TIMEOUT_MS),
    });
    const isController = (service: StackService) => service.name === 'kafka-1';
    const ended = await Promise.all(services.filter((service) => !isController(service)).map(end));
    ended.push(...(await Promise.all(services.filter(isController).map(end))));
    const left = services.filter((service) => isRunning(service));
    await writeState(dir, { ...rest, services: left });
    if (left.length > 0) {
      const pids = left.map((service) => `${service.name} (${service.pid})`).join(', ');
      throw new MillraceError('MR_STACK_START_FAILED', `Still running after SIGKILL: ${pids}.`);
    }
    if (options.wipe === true) await wipe(dir);
    return ended;
  });
}

async function wipe(dir: string): Promise<void> {
  for (const part of ['kafka', 'redis']) await rm(join(dir, part), { recursive: true, force: true });
}

/** What has been started, whether it still runs, and whether it answers. */
export async function stackStatus(options: { readonly dir?: string } = {}): Promise<ServiceStatus[]> {
  const { services } = await readState(options.dir ?? DEFAULT_STACK_DIR);
  return Promise.all(
    services.map(async (service) => {
      const running = isRunning(service);
      const isAnswering = running && (await answers(service));
      return {
        name: service.name,
        pid: service.pid,
        url: serviceUrl(service),
        running,
        answers: isAnswering,
      };
    }),
  );
}

function answers(service: StackService): Promise<boolean> {
  const probe = service.kind === 'kafka' ? kafkaAnswers : redisAnswers;
  return probe(service.port, PROBE_TIMEOUT_MS);
}

function serviceUrl(service: StackService): string {
  const address = `127.0.0.1:${service.port}`;
  return service.kind === 'kafka' ? address : `redis://${address}`;
}

function endpoints(state: StackState): StackEndpoints {
  const urls = (kind: StackServiceKind) =>
    state.services.filter((service) => service.kind === kind).map((service) => serviceUrl(service));
  return { brokers: urls('kafka').join(','), redisUrl: urls('redis')[0] ?? '' };
}
