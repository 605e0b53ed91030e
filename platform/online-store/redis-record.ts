/**
 * A versioned value in Redis: `<version>:<value>`, or `<version>!` for a deleted value whose version still counts. The
 * expiry is the key's own.
 */
export function encodeRecord(version: number, value: string | null): string {
  return value === null ? `${version}!` : `${version}:${value}`;
}

/** The value of a record; null where it is absent or deleted. */
export function decodeRecord(record: string | null): string | null {
  if (record === null) return null;
  const colon = record.indexOf(':');
  const end = record.indexOf('!');
  return colon < 0 || (end >= 0 && end < colon) ? null : record.slice(colon + 1);
}

/**
 * KEYS[1]: key. ARGV: version, record, ttl in milliseconds. Lua numbers are doubles, exact below 2^53. One key for each
 * call, as Redis Cluster demands.
 */
export const SET_IF_NEWER = `
local current = redis.call('GET', KEYS[1])
if current then
  local stored = tonumber(string.match(current, '^%d+'))
  if stored and tonumber(ARGV[1]) <= stored then
    return 0
  end
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`;
