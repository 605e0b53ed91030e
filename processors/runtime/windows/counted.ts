import type { Aggregator, Json } from '../aggregates/aggregator.ts';
import type { Codec } from '../codec.ts';
import { packedJson, type Packing } from '../aggregates/accumulator-codec.ts';
import type { Merger } from './sliding-merge.ts';

/** An accumulator with the lowest and the highest event time in it. */
export interface Bounded<A> {
  minMs: number;
  maxMs: number;
  accumulator: A;
}

/** What is known of a key: its present slice, and how many events it has had. */
export interface CountedKey<A> {
  /** Events of the key so far. */
  events: number;
  /** Latest event time. */
  latestMs: number;
  /** The slice that is being filled. */
  slice: Bounded<A> | undefined;
  /** What was said of the window that fills next. */
  emitted: Bounded<A> | undefined;
}

export function boundedMerger<A>(aggregator: Aggregator<never, A, unknown>): Merger<Bounded<A>> {
  return {
    init: () => ({
      minMs: Number.POSITIVE_INFINITY,
      maxMs: Number.NEGATIVE_INFINITY,
      accumulator: aggregator.init(),
    }),
    merge: (into, other) => {
      into.minMs = Math.min(into.minMs, other.minMs);
      into.maxMs = Math.max(into.maxMs, other.maxMs);
      into.accumulator = aggregator.merge(into.accumulator, other.accumulator);
      return into;
    },
  };
}

function boundedPacking<A>({ pack, unpack }: Packing<A>): Packing<Bounded<A>> {
  return {
    pack: ({ minMs, maxMs, accumulator }) => [minMs, maxMs, pack(accumulator)],
    unpack: (packed) => {
      const [minMs, maxMs, accumulator] = packed as readonly [number, number, Json];
      return { minMs, maxMs, accumulator: unpack(accumulator) };
    },
  };
}

/** `[min, max, accumulator]` */
export function boundedCodec<A>(layout: string, packing: Packing<A>): Codec<Bounded<A>> {
  return packedJson(layout, boundedPacking(packing));
}

/** `[events, latest, slice or null, emitted or null]` */
export function countedKeyCodec<A>(layout: string, packing: Packing<A>): Codec<CountedKey<A>> {
  const { pack, unpack } = boundedPacking(packing);
  return packedJson<CountedKey<A>>(layout, {
    pack: ({ events, latestMs, slice, emitted }) => [
      events,
      latestMs,
      slice === undefined ? null : pack(slice),
      emitted === undefined ? null : pack(emitted),
    ],
    unpack: (packed) => {
      const [events, latestMs, slice, emitted] = packed as readonly [number, number, Json, Json];
      return {
        events,
        latestMs,
        slice: slice === null ? undefined : unpack(slice),
        emitted: emitted === null ? undefined : unpack(emitted),
      };
    },
  });
}
