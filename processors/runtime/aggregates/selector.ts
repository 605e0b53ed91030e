import type { Item } from './item.ts';

/** Takes from a value what is to be aggregated; undefined skips the value. */
export type Selector<V, T> = (value: V) => T | undefined;

/**
 * Reads numbers with a selector and lets only finite ones pass. −0 becomes 0, since JSON does not tell them apart.
 * @throws RangeError naming the aggregator, for NaN, an infinity, or what is no number at all
 */
export function finiteNumbers<V>(of: Selector<V, number>, aggregator: string): Selector<V, number> {
  return (value) => {
    const number = of(value);
    if (number === undefined) return undefined;
    if (!Number.isFinite(number)) throw new RangeError(`${aggregator}: ${shown(number)} is no finite number`);
    return number + 0;
  };
}

/**
 * Reads strings and finite numbers with a selector; −0 becomes 0.
 * @throws RangeError naming the aggregator, for anything else
 */
export function items<V, T extends Item>(of: Selector<V, T>, aggregator: string): Selector<V, T> {
  return (value) => {
    const item = of(value);
    if (item === undefined || typeof item === 'string') return item;
    if (Number.isFinite(item)) return item === 0 ? (0 as T) : item;
    throw new RangeError(`${aggregator}: ${shown(item)} is neither a string nor a finite number`);
  };
}

/** Numbers by their text, others by their type only: a message must not hold personal data. */
function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : `a value of type ${typeof value}`;
}

/**
 * Lets a total pass that is still finite.
 * @throws RangeError naming the aggregator, where it has left the range of a double
 */
export function withinRange(total: number, aggregator: string): number {
  if (Number.isFinite(total)) return total;
  throw new RangeError(`${aggregator}: the total leaves the range of a double`);
}

/**
 * Lets an option pass that is an integer within its bounds.
 * @throws RangeError naming the option
 */
export function integerOption(name: string, value: number, bounds: { min: number; max: number }): number {
  if (Number.isInteger(value) && value >= bounds.min && value <= bounds.max) return value;
  throw new RangeError(`${name} must be an integer from ${bounds.min} to ${bounds.max}, not ${value}`);
}
