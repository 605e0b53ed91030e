import type { Aggregator } from './aggregator.ts';

/**
 * An aggregator of one's own. Its layout becomes `custom(<layout>)`, so that it is never mistaken for a built-in one:
 * change it whenever the accumulator changes its shape or its meaning.
 *
 * `merge` must be associative and commutative, and `add` must change nothing where it throws; give `check` where `add`
 * can throw and the aggregator is used in {@link combine}. Give both `pack` and `unpack` where the accumulator is not
 * JSON that survives a round trip (as a Map, a bigint, NaN, −0 or undefined).
 * @throws TypeError where only one of `pack` and `unpack` is given, or the layout is empty
 */
export function custom<V, A, R>(definition: Aggregator<V, A, R>): Aggregator<V, A, R> {
  const { layout } = definition;
  if (layout === '') throw new TypeError('custom: an aggregator needs a layout');
  if ((definition.pack === undefined) !== (definition.unpack === undefined))
    throw new TypeError(`custom(${layout}): pack and unpack belong together`);
  return {
    layout: `custom(${layout})`,
    init: () => definition.init(),
    add: (accumulator, value) => definition.add(accumulator, value),
    merge: (into, other) => definition.merge(into, other),
    result: (accumulator) => definition.result(accumulator),
    ...optionalMembers(definition),
  };
}

type Optional<V, A> = Pick<Aggregator<V, A, unknown>, 'subtract' | 'check' | 'pack' | 'unpack'>;

/** Called on the definition, which may be an instance of a class; absent where they are absent there. */
function optionalMembers<V, A>(definition: Aggregator<V, A, unknown>): Optional<V, A> {
  const bound: Optional<V, A> = {};
  if (definition.subtract !== undefined) bound.subtract = definition.subtract.bind(definition);
  if (definition.check !== undefined) bound.check = definition.check.bind(definition);
  if (definition.pack !== undefined) bound.pack = definition.pack.bind(definition);
  if (definition.unpack !== undefined) bound.unpack = definition.unpack.bind(definition);
  return bound;
}
