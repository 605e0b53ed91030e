import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../platform/config.ts';
import { stackDown, stackUp } from './stack/stack.ts';

interface Servers {
  readonly brokers: readonly string[];
  readonly redisUrl: string;
}

/** The servers of the configuration; those that it does not name run for the work alone and end with it. */
export async function withServers<T>(
  names: readonly ('kafka' | 'redis')[],
  note: (line: string) => void,
  work: (servers: Servers) => Promise<T>,
): Promise<T> {
  const { kafka, redis } = loadConfig();
  const missing = names.filter((name) =>
    name === 'kafka' ? kafka.brokers.length === 0 : redis.url === undefined,
  );
  const given = { brokers: kafka.brokers, redisUrl: redis.url?.reveal() ?? '' };
  if (missing.length === 0) return work(given);
  const dir = await mkdtemp(join(tmpdir(), 'millrace-stack-'));
  note(`not configured: ${missing.join(' and ')}; started for this alone`);
  try {
    const stack = await stackUp({ dir, services: missing, anyPorts: true, onProgress: note });
    return await work({
      brokers: missing.includes('kafka') ? stack.brokers.split(',') : given.brokers,
      redisUrl: missing.includes('redis') ? stack.redisUrl : given.redisUrl,
    });
  } finally {
    await stackDown({ dir, wipe: true });
    await rm(dir, { recursive: true, force: true });
  }
}
