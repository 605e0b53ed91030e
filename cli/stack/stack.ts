/**
 * Real servers without Docker: Apache Kafka (KRaft), Redis, PostgreSQL and the ClickHouse engine as processes of this
 * machine, for development, tests and benchmarks. Everything lives in one folder; only what was started from that
 * folder is ever ended.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '../../platform/errors.ts';
import { PACKAGE_ROOT } from '../../schemas/package-root.ts';
import { credentialsFile, ensureCredentials } from './credentials.ts';
import { stackEndpoints, type StackEndpoints } from './endpoints.ts';
import type { ExtraListener } from './kafka-config.ts';
import { ensureKafkaJars } from './kafka-jars.ts';
import { untilAnswers } from './launch.ts';
import { withLock } from './lock.ts';
import { findOrphans } from './orphans.ts';
import { programCopy } from './postgres-programs.ts';
import { isRunning } from './process-identity.ts';
import { requireRoom } from './room.ts';
import {
  answers,
  endServer,
  serverVersion,
  stackAccess,
  type EndedHow,
  type StackAccess,
} from './servers.ts';
import { availableServices, requireService } from './services.ts';
import { startMissing, type LivingState, type StartContext } from './start-missing.ts';
import { readState, writeState, type StackService, type StackServiceKind, type StackState } from './state.ts';
import { ensureTlsFiles, tlsFiles } from './tls-files.ts';

export type { StackEndpoints } from './endpoints.ts';
export { stackStatus } from './status.ts';
export type { StackServiceKind } from './state.ts';

export interface StackOptions {
  /** Folder of state, data and logs; `.millrace/stack` of the checkout by default. Tests give one of their own. */
  readonly dir?: string;
  /** Folder of downloads; `.cache` of the checkout by default. */
  readonly cacheDir?: string;
  /** All that this machine can run by default; what it cannot is told through `onNotice`. */
  readonly services?: readonly StackServiceKind[];
  /** Kafka brokers, 1 or 3; as many as run already by default, else 1. Three keep three replicas, two in sync. */
  readonly brokers?: number;
  /** TLS and passwords for every server; as those that run already by default, else none. */
  readonly secure?: boolean;
  /** Java heap of each broker, 768 MB by default. */
  readonly heapMb?: number;
  /** Brokers that are started often and for short: they take less of the machine, and are slower under load. */
  readonly isShortLived?: boolean;
  /** Takes any free ports instead of the usual ones, so that several stacks can run side by side. */
  readonly anyPorts?: boolean;
  /** More doors of every broker, with certificates of their own; for one broker. */
  readonly extraListeners?: readonly ExtraListener[];
  /** Told what is under way, a line at a time. */
  readonly onProgress?: (line: string) => void;
  /** Told what the user should know: services left out, ports that are not the usual ones. */
  readonly onNotice?: (line: string) => void;
}

export const DEFAULT_STACK_DIR: string = join(PACKAGE_ROOT, '.millrace', 'stack');
export const DEFAULT_CACHE_DIR: string = join(PACKAGE_ROOT, '.cache');
const START_TIMEOUT_MS = 60_000;
/** For each server: they share the cores while they start. */
const START_TIMEOUT_EACH_MS = 15_000;
const LOCK_WAIT_MS = 60_000;
const NOBODY_LISTENS = () => undefined;

/**
 * Starts what is not running yet and waits until everything answers; servers that run already are left alone.
 * On failure the servers of this call are ended again.
 * @throws MillraceError MR_STACK_*_MISSING for a service that was asked for by name, MR_STACK_DOWNLOAD_FAILED,
 * MR_STACK_ROOM_MISSING, MR_STACK_START_FAILED, MR_STACK_BUSY, MR_STACK_STATE_INVALID
 */
export async function stackUp(options: StackOptions = {}): Promise<StackEndpoints> {
  const dir = options.dir ?? DEFAULT_STACK_DIR;
  const cacheDir = options.cacheDir ?? DEFAULT_CACHE_DIR;
  const onProgress = options.onProgress ?? NOBODY_LISTENS;
  const services = await wantedServices(options, cacheDir);
  return withLock(dir, LOCK_WAIT_MS, async () => {
    const before = await livingState(dir);
    const context = await startContext(options, { dir, cacheDir, services, before });
    const access = await stackAccess(dir, context.credentials, context.tls !== undefined);
    const state = await startAndWait(context, before, { access, onProgress });
    return stackEndpoints(state, access, tlsFiles(dir).ca);
  });
}

async function wantedServices(options: StackOptions, cacheDir: string): Promise<readonly StackServiceKind[]> {
  if (options.services !== undefined) {
    for (const service of options.services) await requireService(service, cacheDir);
    return options.services;
  }
  const { services, leftOut } = await availableServices(cacheDir);
  for (const { service, reason } of leftOut) options.onNotice?.(`${service}: left out. ${reason}`);
  if (services.length === 0)
    throw new MillraceError('MR_STACK_START_FAILED', 'This machine has none of the servers.');
  return services;
}

interface Where {
  readonly dir: string;
  readonly cacheDir: string;
  readonly services: readonly StackServiceKind[];
  readonly before: LivingState;
}

async function startContext(options: StackOptions, where: Where): Promise<StartContext> {
  const { dir, cacheDir, services, before } = where;
  const onProgress = options.onProgress ?? NOBODY_LISTENS;
  const known = before.state.services.filter((service) => service.kind === 'kafka').length;
  const brokers = options.brokers ?? (known === 0 ? 1 : known);
  const heapMb = options.heapMb ?? 768;
  const running = new Set(before.living.map((service) => service.kind));
  const demanded = services.filter((service) => !running.has(service));
  await requireRoom(dir, { services: demanded, brokers, heapMb });
  return {
    dir,
    libDir: services.includes('kafka') ? await ensureKafkaJars(cacheDir, onProgress) : '',
    services,
    brokers,
    heapMb,
    isShortLived: options.isShortLived ?? false,
    anyPorts: options.anyPorts ?? false,
    credentials: await ensureCredentials(dir),
    tls: (options.secure ?? before.state.secure) ? await ensureTlsFiles(dir) : undefined,
    extraListeners: options.extraListeners,
    onStart: (name) => onProgress(`${name}: starting`),
    onNotice: options.onNotice ?? NOBODY_LISTENS,
  };
}

interface Watch {
  readonly access: StackAccess;
  readonly onProgress: (line: string) => void;
}

async function startAndWait(context: StartContext, before: LivingState, watch: Watch): Promise<StackState> {
  try {
    const started = await startMissing(context, before);
    await untilAllAnswer(started.services, watch);
    const services = await Promise.all(started.services.map((service) => withVersion(service, watch.access)));
    const state = { ...started, services };
    await writeState(context.dir, state);
    return state;
  } catch (error) {
    const oldPids = new Set(before.living.map((service) => service.pid));
    const launched = (await readState(context.dir)).services.filter((service) => !oldPids.has(service.pid));
    await Promise.all(launched.map((service) => endServer(service)));
    await writeState(context.dir, { ...before.state, services: [...before.living] });
    throw error;
  }
}

async function untilAllAnswer(
  services: readonly StackService[],
  { access, onProgress }: Watch,
): Promise<void> {
  const startedMs = performance.now();
  const deadlineMs = startedMs + START_TIMEOUT_MS + services.length * START_TIMEOUT_EACH_MS;
  for (const service of services) {
    let told = 0;
    const waiting = () => {
      const seconds = Math.round((performance.now() - startedMs) / 1000);
      if (seconds > told) onProgress(`${service.name}: waiting for an answer, ${seconds} s`);
      told = seconds;
      return answers(service, access);
    };
    await untilAnswers({ ...service, ref: service }, waiting, deadlineMs);
  }
}

async function withVersion(service: StackService, access: StackAccess): Promise<StackService> {
  if (service.version !== '') return service;
  return { ...service, version: await serverVersion(service, access) };
}

/** The state without servers that have ended; whatever else was started in the folder is ended. */
async function livingState(dir: string): Promise<LivingState> {
  const state = await readState(dir);
  const living = state.services.filter((service) => isRunning(service));
  await Promise.all((await findOrphans(dir, living)).map((orphan) => endServer(orphan)));
  return { state, living };
}

export interface StackDownOptions {
  readonly dir?: string;
  /** Deletes data, logs and passwords as well. */
  readonly wipe?: boolean;
}

export interface EndedService {
  readonly name: string;
  readonly pid: number;
  readonly how: EndedHow;
}

/**
 * Ends exactly the servers that `stackUp` has started in this folder. The controller goes last, since the other brokers
 * hand their partitions over through it. Logs and data stay.
 */
export async function stackDown(options: StackDownOptions = {}): Promise<EndedService[]> {
  const dir = options.dir ?? DEFAULT_STACK_DIR;
  return withLock(dir, LOCK_WAIT_MS, async () => {
    const { services, ...rest } = await readState(dir);
    const targets = [...services, ...(await findOrphans(dir, services))];
    const end = async (target: (typeof targets)[number]): Promise<EndedService> => ({
      name: target.name,
      pid: target.pid,
      how: await endServer(target),
    });
    const isController = ({ name }: { name: string }) => name === 'kafka-1';
    const ended = await Promise.all(targets.filter((target) => !isController(target)).map(end));
    ended.push(...(await Promise.all(targets.filter(isController).map(end))));
    await writeState(dir, { ...rest, services: services.filter((service) => isRunning(service)) });
    const left = targets.filter((target) => isRunning(target));
    if (left.length > 0) {
      const pids = left.map((target) => `${target.name} (${target.pid})`).join(', ');
      throw new MillraceError('MR_STACK_START_FAILED', `Still running after SIGKILL: ${pids}.`);
    }
    // It lies outside the folder; the next start makes it again where it is needed.
    await rm(programCopy(join(dir, 'postgres')), { recursive: true, force: true });
    if (options.wipe === true) await wipe(dir);
    return ended;
  });
}

async function wipe(dir: string): Promise<void> {
  for (const part of ['kafka', 'redis', 'postgres', 'clickhouse', 'tls'])
    await rm(join(dir, part), { recursive: true, force: true });
  await rm(credentialsFile(dir), { force: true });
}
