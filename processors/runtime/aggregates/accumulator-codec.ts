import type { Aggregator, Json } from './aggregator.ts';
import { json, type Codec } from '../codec.ts';

/** How accumulators become JSON of the changelog, and back. */
export interface Packing<A> {
  readonly pack: (accumulator: A) => Json;
  readonly unpack: (packed: Json) => A;
}

/** @throws TypeError for an aggregator that packs and does not unpack, or the other way round */
export function packingOf<A>(aggregator: Aggregator<never, A, unknown>): Packing<A> {
  if ((aggregator.pack === undefined) !== (aggregator.unpack === undefined))
    throw new TypeError(`aggregator ${aggregator.layout} must have both pack and unpack, or neither`);
  return {
    pack: (accumulator) =>
      aggregator.pack === undefined ? (accumulator as Json) : aggregator.pack(accumulator),
    unpack: (packed) => (aggregator.unpack === undefined ? (packed as A) : aggregator.unpack(packed)),
  };
}

/** A codec for what is written as JSON in a form of its own. */
export function packedJson<V>(name: string, { pack, unpack }: Packing<V>): Codec<V> {
  const packed = json<Json>();
  return {
    name,
    encode: (value) => packed.encode(pack(value)),
    decode: (bytes) => unpack(packed.decode(bytes)),
  };
}
