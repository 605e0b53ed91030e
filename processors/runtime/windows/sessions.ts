import type { Codec } from '../codec.ts';
import type { Json } from '../aggregates/aggregator.ts';
import { packedJson, type Packing } from '../aggregates/accumulator-codec.ts';

/** What was said of a session before, and holds until its bounds change. */
export interface Emitted<A> {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly accumulator: A;
}

export interface Session<A> {
  firstMs: number;
  lastMs: number;
  accumulator: A;
  /** Of this session, and of those that were merged into it. */
  emitted: readonly Emitted<A>[];
}

/** The sessions of a key in order of time: never two of them within the gap of each other. */
export type Sessions<A> = Session<A>[];

/** The sessions that an event meets: `from` to before `to`; none where both are equal, and then the place of its own. */
export function metBy(
  sessions: Sessions<unknown>,
  timeMs: number,
  gapMs: number,
): { readonly from: number; readonly to: number } {
  let from = sessions.length;
  for (let before = sessions[from - 1]; before !== undefined; before = sessions[from - 1]) {
    if (before.lastMs < timeMs - gapMs) break;
    from -= 1;
  }
  let to = from;
  for (let next = sessions[to]; next !== undefined && next.firstMs <= timeMs + gapMs; next = sessions[to])
    to += 1;
  return { from, to };
}

/** Whether a session holds one of some moments. */
export function holdsAny({ firstMs, lastMs }: Session<unknown>, times: readonly number[]): boolean {
  return times.some((timeMs) => timeMs >= firstMs && timeMs <= lastMs);
}

/** Sessions as JSON: `[first, last, accumulator, emitted…]`, each emitted as `[first, last, accumulator]`. */
export function sessionsCodec<A>(layout: string, { pack, unpack }: Packing<A>): Codec<Sessions<A>> {
  type PackedEmitted = readonly [number, number, Json];
  type PackedSession = readonly [number, number, Json, ...PackedEmitted[]];
  return packedJson<Sessions<A>>(layout, {
    pack: (sessions) =>
      sessions.map(({ firstMs, lastMs, accumulator, emitted }) => [
        firstMs,
        lastMs,
        pack(accumulator),
        ...emitted.map((e): PackedEmitted => [e.firstMs, e.lastMs, pack(e.accumulator)]),
      ]),
    unpack: (packed) =>
      (packed as unknown as readonly PackedSession[]).map(([firstMs, lastMs, accumulator, ...emitted]) => ({
        firstMs,
        lastMs,
        accumulator: unpack(accumulator),
        emitted: emitted.map(([first, last, of]) => ({
          firstMs: first,
          lastMs: last,
          accumulator: unpack(of),
        })),
      })),
  });
}
