import type { Json } from './aggregator.ts';
import { finiteNumbers, type Selector } from './selector.ts';

/** A value with its event time. JSON. */
export type Timed<T extends Json> = readonly [atMs: number, value: T];

/** A total order up to equal JSON: by event time, then by the text of the value, so that ties do not depend on arrival. */
export function compareTimed(a: Timed<Json>, b: Timed<Json>): number {
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  const textOfA = JSON.stringify(a[1]);
  const textOfB = JSON.stringify(b[1]);
  if (textOfA === textOfB) return 0;
  return textOfA < textOfB ? -1 : 1;
}

/** Reads a value and its time; either may be undefined, and then the value is skipped. */
export function timedValues<V, T extends Json>(
  of: Selector<V, T>,
  atMs: Selector<V, number>,
  aggregator: string,
): Selector<V, Timed<T>> {
  const timeOf = finiteNumbers(atMs, aggregator);
  return (value) => {
    const selected = of(value);
    if (selected === undefined) return undefined;
    const time = timeOf(value);
    return time === undefined ? undefined : [time, selected];
  };
}
