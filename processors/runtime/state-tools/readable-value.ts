import { isUtf8 } from 'node:buffer';
import { events } from '../codec.ts';
import { EVENT_ID_BYTES } from './changelog-key.ts';

/** A value of the state for people and programs. */
export type ReadableValue =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'text'; readonly value: string }
  /** Of an encoding that is not known here. */
  | { readonly kind: 'bytes'; readonly value: string; readonly note: string };

/** Layouts whose values are the epoch ms at which a timer is due. */
const TIMERS = new Set(['timers', 'clock-timers']);

/**
 * Decodes a value as far as its layout tells how: events of the registry, ids of the duplicate filter, times of timers,
 * JSON for whatever else is JSON. Bytes of a codec of the job's own stay bytes, in Base64.
 */
export function readableValue(bytes: Buffer, layout: string | null): ReadableValue {
  if (layout === 'event-ids') return { kind: 'json', value: { ids: uuidsOf(bytes) } };
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

function uuidsOf(bytes: Buffer): readonly string[] {
  const ids: string[] = [];
  for (let at = 0; at + EVENT_ID_BYTES <= bytes.length; at += EVENT_ID_BYTES) {
    const hex = bytes.toString('hex', at, at + EVENT_ID_BYTES);
    ids.push(hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'));
  }
  return ids;
}
