/**
 * A versioned value in Redis: `<version>:<value>`, or `<version>!` for a deleted value whose version still counts. The
 * expiry is the key's own.
 */
export function encodeRecord(version: number, value: string | null): string {
  return value === null ? `${version}!` : `${version}:${value}`;
}

/** The value of a record; null where it is absent or deleted: then it has no colon. */
export function decodeRecord(record: string | null): string | null {
  const colon = record?.indexOf(':') ?? -1;
  return record === null || colon < 0 ? null : record.slice(colon + 1);
}
