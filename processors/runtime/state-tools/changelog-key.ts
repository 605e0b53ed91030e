import type { LogRecord } from '../../../platform/kafka/port.ts';
import { EVENT_TIME_HEADER } from '../task/read-head.ts';

const SLASH = 0x2f;

/** Bytes of an id there. */
export const EVENT_ID_BYTES = 16;

export interface StoreKey {
  readonly store: string;
  readonly key: string;
}

/** The store and the key of an entry: `store/key`. Names of stores have no slash, keys may. */
export function storeKeyOf(key: Buffer): StoreKey {
  const slash = key.indexOf(SLASH);
  return { store: key.toString('utf8', 0, slash), key: key.toString('utf8', slash + 1) };
}

export function storeOf(key: Buffer): string {
  return key.toString('utf8', 0, key.indexOf(SLASH));
}

/** When an entry was written, epoch ms: by event time where the store keeps that. */
export function writtenMsOf({ headers, timestampMs }: LogRecord): {
  readonly writtenMs: number;
  readonly eventTimeMs?: number;
} {
  const eventTime = headers[EVENT_TIME_HEADER];
  return { writtenMs: timestampMs, ...(eventTime === undefined ? {} : { eventTimeMs: Number(eventTime) }) };
}

/** Bytes that a record holds beside what the log adds. */
export function bytesOf({ key, value }: LogRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0);
}
