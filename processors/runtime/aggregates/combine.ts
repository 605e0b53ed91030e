import type { Aggregator, Json } from './aggregator.ts';

/** Any aggregator: no value is certain to fit it. */
type AnyAggregator = Aggregator<never, unknown, unknown>;

type Fields = Readonly<Record<string, AnyAggregator>>;

/** A value that fits all fields: the intersection of what they take. */
export type CombinedValue<F extends Fields> = {
  [K in keyof F]: F[K] extends Aggregator<infer V, unknown, unknown> ? (value: V) => void : never;
}[keyof F] extends (value: infer All) => void
  ? All
  : never;

/** One result for each field. */
export type CombinedResult<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Aggregator<never, unknown, infer R> ? R : never;
};

/**
 * Makes a record of aggregators one aggregator that feeds each value to all of them; its result is a record of their
 * results. The accumulator is an array in the order of the fields. Takes values out where every field can. The layout
 * names all fields: another field, or another order of them, is another layout.
 *
 * @throws whatever a field throws from `add`; no field has then taken the value, provided that the field has a
 * `check` (all of ours do) and is not a sum that overflows
 */
export function combine<const F extends Fields>(
  fields: F,
): Aggregator<CombinedValue<F>, unknown[], CombinedResult<F>> {
  type Value = CombinedValue<F>;
  const names = Object.keys(fields);
  const parts: readonly Aggregator<Value, unknown, unknown>[] = Object.values(fields);
  const checked = parts.filter((part) => part.check !== undefined);
  const check = (value: Value): void => {
    for (const part of checked) part.check?.(value);
  };
  return {
    layout: `combine(${names.map((name, index) => `${quoted(name)}:${parts[index]?.layout ?? ''}`).join(',')})`,
    init: () => parts.map((part) => part.init()),
    add: (accumulator, value) => {
      check(value);
      let index = 0;
      for (const part of parts) {
        accumulator[index] = part.add(accumulator[index], value);
        index += 1;
      }
      return accumulator;
    },
    merge: (into, other) => {
      parts.forEach((part, index) => (into[index] = part.merge(into[index], other[index])));
      return into;
    },
    result: (accumulator) =>
      Object.fromEntries(
        parts.map((part, index) => [names[index], part.result(accumulator[index])]),
      ) as CombinedResult<F>,
    check,
    ...subtraction(parts),
    ...packing(parts),
  };
}

function subtraction<V>(
  parts: readonly Aggregator<V, unknown, unknown>[],
): Pick<Aggregator<V, unknown[], unknown>, 'subtract'> {
  if (parts.some((part) => part.subtract === undefined)) return {};
  return {
    subtract: (accumulator, value) => {
      parts.forEach((part, index) => (accumulator[index] = part.subtract?.(accumulator[index], value)));
      return accumulator;
    },
  };
}

function packing(
  parts: readonly Aggregator<never, unknown, unknown>[],
): Pick<Aggregator<unknown, unknown[], unknown>, 'pack' | 'unpack'> {
  if (parts.every((part) => part.pack === undefined)) return {};
  return {
    pack: (accumulator) =>
      accumulator.map((state, index) => {
        const part = parts[index];
        return part?.pack === undefined ? (state as Json) : part.pack(state);
      }),
    unpack: (packed) =>
      (packed as readonly Json[]).map((state, index) => {
        const part = parts[index];
        return part?.unpack === undefined ? state : part.unpack(state);
      }),
  };
}

/** Plain names as they are; others as JSON text, so that a layout can be read in one way only. */
function quoted(name: string): string {
  return /^[\w$]+$/.test(name) ? name : JSON.stringify(name);
}
