/**
 * Exponentially decayed counts by forward decay (Cormode et al., "Forward Decay", ICDE 2009) in the logarithmic domain:
 * a score is log2 of the sum of weight · 2^(t / halfLife). It changes only when the item is touched, it never
 * overflows, and two scores compare the same at every later time.
 */

/** Score after an event of a weight at a time; `undefined` is an item never seen. */
export function addToScore(
  score: number | undefined,
  weight: number,
  atMs: number,
  halfLifeMs: number,
): number {
  const gain = Math.log2(weight) + atMs / halfLifeMs;
  if (score === undefined) return gain;
  const high = Math.max(score, gain);
  return high + Math.log2(1 + 2 ** (Math.min(score, gain) - high));
}

/** The decayed count at a time. */
export function scoreAt(score: number, atMs: number, halfLifeMs: number): number {
  return 2 ** (score - atMs / halfLifeMs);
}
