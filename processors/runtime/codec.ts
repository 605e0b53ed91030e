import type { MillraceEvent } from '../../schemas/generated/events.ts';
import { decodeEvent, encodeEvent } from '../../schemas/wire-format.ts';

/** How values of one kind become bytes of a topic or a changelog, and back. */
export interface Codec<V> {
  /** Told in descriptions: `json`, `events`. */
  readonly name: string;
  encode(value: V): Buffer;
  /** Throws where the bytes are no such value. */
  decode(bytes: Buffer): V;
}

/** JSON in UTF-8. Values must survive it: no undefined in arrays, no Map, no NaN. */
export function json<V>(): Codec<V> {
  return JSON_CODEC as Codec<V>;
}

const JSON_CODEC: Codec<unknown> = {
  name: 'json',
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (bytes) => JSON.parse(bytes.toString('utf8')) as unknown,
};

/** Text in UTF-8. */
export const text: Codec<string> = {
  name: 'text',
  encode: (value) => Buffer.from(value),
  decode: (bytes) => bytes.toString('utf8'),
};

/** Events of the registry in Confluent's wire format. */
export const events: Codec<MillraceEvent> = {
  name: 'events',
  encode: encodeEvent,
  decode: decodeEvent,
};
