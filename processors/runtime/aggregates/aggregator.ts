/** JSON that a changelog can hold. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | {
      readonly [key: string]: Json;
    };

/**
 * How values of type V are folded into an accumulator A, whose result is R. Values may come in any order and be split
 * over any number of accumulators that are merged later: the result is the same, or within the bound that the
 * aggregator states.
 */
export interface Aggregator<V, A, R> {
  /**
   * Describes kind and layout of the accumulator, such as `sum` or `distinct(hll,12)`: stored state of another layout
   * is not compatible.
   */
  readonly layout: string;
  init(): A;
  /**
   * Adds a value; may change the accumulator in place and return it. Where it throws, nothing was added.
   * @throws RangeError for a value that cannot be added, as a number that is not finite
   */
  add(accumulator: A, value: V): A;
  /**
   * Merges `other` into `into`; may change `into`, never `other`, and keeps no part of `other` that a later call would
   * change. Associative and commutative.
   */
  merge(into: A, other: A): A;
  result(accumulator: A): R;
  /**
   * Takes out a value again that was added, where that is exact (count, sum, mean): used by table aggregation and
   * sliding windows.
   */
  subtract?(accumulator: A, value: V): A;
  /** Throws what `add` would throw for the value. `combine` asks all its parts before it adds to the first. */
  check?(value: V): void;
  /** For the changelog. Absent where the accumulator is JSON already. */
  pack?(accumulator: A): Json;
  unpack?(packed: Json): A;
}
