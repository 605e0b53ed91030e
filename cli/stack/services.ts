import { MillraceError } from '../../platform/errors.ts';
import { requireClickhouse } from './clickhouse-server.ts';
import { kafkaJarsCached, requireJava, requireMaven } from './kafka-jars.ts';
import { requirePostgres } from './postgres-server.ts';
import { requireRedis } from './redis-server.ts';
import type { StackServiceKind } from './state.ts';

/** Every kind of server of the stack, in the order in which they start. */
export const STACK_SERVICES: readonly StackServiceKind[] = ['redis', 'postgres', 'clickhouse', 'kafka'];

/** A service that this machine cannot run, and why. */
export interface LeftOutService {
  readonly service: StackServiceKind;
  readonly reason: string;
}

export interface AvailableServices {
  readonly services: readonly StackServiceKind[];
  readonly leftOut: readonly LeftOutService[];
}

/** What this machine can run; whatever else is wrong than a missing program is thrown. */
export async function availableServices(cacheDir: string): Promise<AvailableServices> {
  const services: StackServiceKind[] = [];
  const leftOut: LeftOutService[] = [];
  for (const service of STACK_SERVICES) {
    try {
      await requireService(service, cacheDir);
      services.push(service);
    } catch (error) {
      if (!(error instanceof MillraceError) || !/^MR_STACK_\w+_MISSING$/.test(error.code)) throw error;
      leftOut.push({ service, reason: error.message });
    }
  }
  return { services, leftOut };
}

/**
 * @throws MillraceError MR_STACK_JAVA_MISSING, MR_STACK_MAVEN_MISSING, MR_STACK_REDIS_MISSING,
 * MR_STACK_POSTGRES_MISSING, MR_STACK_CLICKHOUSE_MISSING
 */
export async function requireService(service: StackServiceKind, cacheDir: string): Promise<void> {
  switch (service) {
    case 'kafka':
      await requireJava();
      if (!kafkaJarsCached(cacheDir)) await requireMaven();
      return;
    case 'redis':
      return requireRedis();
    case 'postgres':
      return requirePostgres();
    case 'clickhouse':
      requireClickhouse();
  }
}
