import { isUtf8 } from 'node:buffer';
import { rowsOfChunk } from '../audit/row-journal.ts';
import { ACCOUNT } from '../audit/task-account.ts';
import { events } from '../codec.ts';
import type { TaskMeta } from '../state/task-meta.ts';
import { DUPLICATES } from '../state/task-state.ts';
import { EVENT_ID_BYTES } from './changelog-key.ts';

/** A value of the state for people and programs. */
export type ReadableValue =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'text'; readonly value: string }
  /** Of an encoding that is not known here. */
  | { readonly kind: 'bytes'; readonly value: string; readonly note: string };

/** Layouts whose values are the epoch ms at which a timer is due. */
const TIMERS = new Set(['timers', 'clock-timers']);

/** How the values of a store are laid out; null where its state does not say. */
export function layoutOf(store: string, meta: TaskMeta | undefined): string | null {
  if (store === DUPLICATES) return 'event-ids';
  return store === ACCOUNT ? 'accounts' : (meta?.stores?.[store]?.layout ?? null);
}

/**
 * Decodes a value as far as its layout tells how: events of the registry, ids of the duplicate filter, times of timers,
 * JSON for whatever else is JSON. Bytes of a codec of the job's own stay bytes, in Base64.
 */
export function readableValue(bytes: Buffer, layout: string | null): ReadableValue {
  if (layout === 'event-ids') return { kind: 'json', value: { ids: uuidsOf(bytes) } };
  if (layout === 'accounts') return { kind: 'json', value: accountOf(bytes) };
  if (layout === 'keyed(events)') return orBytes(bytes, layout, () => events.decode(bytes));
  if ((layout === 'keyed(text)' || layout === 'outbox') && isUtf8(bytes))
    return { kind: 'text', value: bytes.toString('utf8') };
  if (!isUtf8(bytes)) return opaque(bytes, layout);
  return orBytes(bytes, layout, () => {
    const value = JSON.parse(bytes.toString('utf8')) as unknown;
    if (layout === null || !TIMERS.has(layout) || typeof value !== 'number') return value;
    return { dueMs: value, due: new Date(value).toISOString() };
  });
}

function orBytes(bytes: Buffer, layout: string | null, decode: () => unknown): ReadableValue {
  try {
    return { kind: 'json', value: decode() };
  } catch {
    return opaque(bytes, layout); // the layout promised what the bytes are not: they are shown as they are
  }
}

function opaque(bytes: Buffer, layout: string | null): ReadableValue {
  const codec = layout === null ? 'a codec that is not known here' : `the codec of ${layout}`;
  return {
    kind: 'bytes',
    value: bytes.toString('base64'),
    note: `${bytes.length} bytes of ${codec}, in Base64`,
  };
}

/** JSON, or a chunk of the journal of rows, whose first bytes are a hash. */
function accountOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return { rows: [...rowsOfChunk(bytes)] }; // hashes are no JSON
  }
}

function uuidsOf(bytes: Buffer): readonly string[] {
  const ids: string[] = [];
  for (let at = 0; at + EVENT_ID_BYTES <= bytes.length; at += EVENT_ID_BYTES) {
    const hex = bytes.toString('hex', at, at + EVENT_ID_BYTES);
    ids.push(hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'));
  }
  return ids;
}
