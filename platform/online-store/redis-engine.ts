import { requireVersion } from '../version.ts';
import type { EngineInfo } from '../engine-info.ts';

/** The part of an engine's name and version that INFO tells. */
export type RedisEngine = Pick<EngineInfo, 'engine' | 'version'>;

/** Functions, UNLINK and GETRANGE in scripts work in older ones too; 7.0 is the oldest that the tests run against. */
const LEAST_VERSION = '7.0';

/** What `INFO server` says. Valkey states the version of Redis that it is like, and its own. */
export function redisEngine(info: string): RedisEngine {
  const field = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];
  const valkey = field('valkey_version');
  return valkey === undefined
    ? { engine: 'Redis', version: field('redis_version') ?? 'unknown' }
    : { engine: 'Valkey', version: valkey };
}

/** @throws MillraceError MR_ENGINE_TOO_OLD */
export function requireRedisVersion({ engine, version }: RedisEngine): void {
  if (version !== 'unknown') requireVersion(engine, version, LEAST_VERSION);
}
