/**
 * The smallest part of a list that still fails, as far as a bounded number of tries finds it: delta debugging (Zeller and
 * Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 2002), complements only.
 * @param fails whether a part of the list fails; the whole is known to
 */
export async function shrink<T>(
  whole: readonly T[],
  fails: (part: readonly T[]) => Promise<boolean>,
  maxTries = 100,
): Promise<readonly T[]> {
  let left = whole;
  let tries = 0;
  for (let pieces = 2; left.length > 0 && tries < maxTries; ) {
    const size = Math.ceil(left.length / pieces);
    let smaller: readonly T[] | undefined;
    for (let at = 0; at < left.length && smaller === undefined && tries < maxTries; at += size) {
      const part = [...left.slice(0, at), ...left.slice(at + size)];
      tries += 1;
      if (await fails(part)) smaller = part;
    }
    if (smaller !== undefined) {
      left = smaller;
      pieces = Math.max(2, pieces - 1);
    } else if (size === 1) break;
    else pieces = Math.min(left.length, 2 * pieces);
  }
  return left;
}
