import type { KeyedStore } from './keyed-store.ts';

/** What there is of one store of a task. */
export interface StoreDescription {
  readonly store: string;
  /** `keyed`, `timers`, `clock-timers`, `duplicates`, or what the engine makes, such as `tumbling`. */
  readonly kind: string;
  readonly version: number;
  readonly layout: string;
  readonly entries: number;
  /** Estimate of what they take in memory. */
  readonly bytes: number;
  /** Entries that are on disk and not in memory. */
  readonly spilled: number;
}

/** Of an eventId in its set: 16 bytes in a table between a quarter and half full. */
const EVENT_ID_BYTES = 48;

export function describeState(
  stores: Iterable<KeyedStore<unknown>>,
  duplicates: number,
): readonly StoreDescription[] {
  const descriptions = [...stores].map(({ name, version, layout, size, bytes, spilled }) => ({
    ...{ store: name, kind: /^[a-z-]*/.exec(layout)?.[0] ?? layout, version, layout },
    ...{ entries: size, bytes: Math.round(bytes), spilled },
  }));
  if (duplicates === 0) return descriptions;
  const ids = { store: 'duplicates', kind: 'duplicates', version: 1, layout: 'event-ids' };
  return [...descriptions, { ...ids, entries: duplicates, bytes: duplicates * EVENT_ID_BYTES, spilled: 0 }];
}
