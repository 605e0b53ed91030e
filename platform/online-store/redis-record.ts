import type { StoredHead, StoredRecord, VersionedWrite } from './port.ts';

/** What of a record is enough for {@link decodeHead}: version, owner and the mark behind them. */
export const HEAD_BYTES = 16 + 1 + 100 + 1;

/**
 * A versioned value in Redis: `<version>:<value>`, or `<version>!` for a deleted value whose version still counts; behind
 * the version of one that has an owner stands `@<owner>`. The expiry is the key's own.
 */
export function encodeRecord({ version, value, owner }: Omit<VersionedWrite, 'key' | 'ttlMs'>): string {
  const head = owner === undefined ? String(version) : `${version}@${owner}`;
  return value === null ? `${head}!` : `${head}:${value}`;
}

/** The value of a record; null where it is absent or deleted: then it has no colon. */
export function decodeRecord(record: string | null): string | null {
  const colon = record?.indexOf(':') ?? -1;
  return record === null || colon < 0 ? null : record.slice(colon + 1);
}

const HEAD = /^(\d{1,16})(?:@([\w.-]+))?([:!])/;

/** What a record, or its beginning, says besides its value; undefined where it is none. */
export function decodeHead(key: string, record: string): StoredHead | undefined {
  const [, version, owner = null, mark] = HEAD.exec(record) ?? [];
  if (version === undefined) return undefined;
  return { key, version: Number(version), owner, isDeleted: mark === '!' };
}

/** All that a record says; null where there is none. */
export function decodeStored(key: string, record: string | null): StoredRecord | null {
  const head = record === null ? undefined : decodeHead(key, record);
  return head === undefined ? null : { ...head, value: head.isDeleted ? null : decodeRecord(record) };
}
