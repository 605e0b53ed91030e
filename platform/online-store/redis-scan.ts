import type { Redis } from 'ioredis';
import type { StoredHead } from './port.ts';
import type { RedisClient } from './redis-client.ts';
import { decodeHead, HEAD_BYTES } from './redis-record.ts';

export interface ScanStep {
  readonly heads: readonly StoredHead[];
  /** Undefined at the end. */
  readonly next: string | undefined;
}

/** What a node looks at in one step, a fraction of a millisecond in which it does nothing else. */
const STEP_KEYS = 500;

/** One step of a scan of a node; of each key only the head is read, however long its value is. */
export async function scanNode(
  from: { readonly node: Redis; readonly client: RedisClient; readonly prefix: string },
  cursor: string,
): Promise<ScanStep> {
  const { node, client, prefix } = from;
  const [next, names] = await node.scan(cursor, 'MATCH', `${literal(prefix)}*`, 'COUNT', STEP_KEYS);
  const records = await Promise.all(names.map((name) => beginningOf(client, name)));
  return {
    heads: names.flatMap((name, index) => {
      const record = records[index] ?? '';
      // A key that expired meanwhile reads as an empty text.
      if (record === '') return [];
      const key = name.slice(prefix.length);
      return [decodeHead(key, record) ?? { key, version: 0, owner: null, isDeleted: false }];
    }),
    next: next === '0' ? undefined : next,
  };
}

/** A key that is no text at all reads as something that is no record. */
async function beginningOf(client: RedisClient, name: string): Promise<string> {
  try {
    return await client.getrange(name, 0, HEAD_BYTES - 1);
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return '?';
    throw error;
  }
}

/** A text of which no character is a wildcard of MATCH. */
function literal(text: string): string {
  return text.replace(/[\\*?[\]^-]/g, '\\$&');
}
