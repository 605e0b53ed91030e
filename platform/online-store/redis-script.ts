import { createHash } from 'node:crypto';
import type { RedisClient } from './redis-client.ts';

/** A Lua script with its name in the cache of the server. All keys of a call must be in one slot of a Redis Cluster. */
export interface RedisScript {
  readonly lua: string;
  readonly sha: string;
}

/**
 * KEYS: keys. ARGV: record and time to live in milliseconds for each key. Answers 1 for each key that was set. Lua numbers
 * are doubles, exact below 2^53. Of a stored value only the version is read, however long it is.
 */
export const SET_IF_NEWER = script(`
local applied = {}
for i = 1, #KEYS do
  local record = ARGV[2 * i - 1]
  local stored = tonumber(string.match(redis.call('GETRANGE', KEYS[i], 0, 15), '^%d+'))
  if stored and tonumber(string.match(record, '^%d+')) <= stored then
    applied[i] = 0
  else
    redis.call('SET', KEYS[i], record, 'PX', ARGV[2 * i])
    applied[i] = 1
  end
end
return applied
`);

/**
 * KEYS[1]: key. ARGV: version that must be stored or an empty text for none, record, time to live in milliseconds. Answers
 * 1 where it was set.
 */
export const SET_IF_VERSION = script(`
local stored = string.match(redis.call('GETRANGE', KEYS[1], 0, 15), '^%d+') or ''
if stored ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`);

/** KEYS[1]: key. ARGV: value that it must have, new time to live in milliseconds. */
export const RENEW_LEASE = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`);

/** KEYS[1]: key. ARGV[1]: value that it must have. */
export const RELEASE_LEASE = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('UNLINK', KEYS[1])
`);

/**
 * KEYS[1]: channel. ARGV[1]: message. As a key the channel leads all its messages to the same node of a cluster: sent to
 * any node, as PUBLISH is, two messages may overtake each other on their ways.
 */
export const PUBLISH = script(`return redis.call('PUBLISH', KEYS[1], ARGV[1])`);

/** Runs a script by its name; where the server does not know it (new, restarted, flushed) with its text. */
export async function runScript(
  client: Pick<RedisClient, 'evalsha' | 'eval'>,
  { lua, sha }: RedisScript,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await client.evalsha(sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    return client.eval(lua, keys.length, ...keys, ...args);
  }
}

function script(lua: string): RedisScript {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}
