import { withinRange } from './selector.ts';

/** A rounded total and the sum of what rounding took from it; their sum is the value. JSON. */
export type CompensatedSum = [total: number, lost: number];

/**
 * Adds a number in place, keeping what the addition rounds off (Neumaier, "Rundungsfehleranalyse einiger Verfahren zur
 * Summation endlicher Summen", ZAMM 54, 1974).
 *
 * Integers are summed exactly, in any order, as long as the total stays below 2^53; beyond that the total and the lost
 * part are exact together until the lost part itself reaches 2^53, and only the result is rounded. For n doubles x the
 * error is at most about ε·|Σx| + n²·ε²·Σ|x| with ε = 2^-53, against n·ε·Σ|x| for plain addition: another order of the
 * same numbers moves the last digit at most, unless nearly everything cancels out.
 * @throws RangeError naming the aggregator, before anything is changed, where the total leaves the range of a double
 */
export function addCompensated(sum: CompensatedSum, x: number, aggregator: string): void {
  const before = sum[0];
  const total = withinRange(before + x, aggregator);
  sum[1] += Math.abs(before) >= Math.abs(x) ? before - total + x : x - total + before;
  sum[0] = total;
}

/** Adds another sum in place. */
export function mergeCompensated(into: CompensatedSum, other: CompensatedSum, aggregator: string): void {
  addCompensated(into, other[0], aggregator);
  addCompensated(into, other[1], aggregator);
}

/** The value of a sum, rounded once. */
export function compensatedTotal(sum: CompensatedSum): number {
  return sum[0] + sum[1];
}
