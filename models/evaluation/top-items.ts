/**
 * The best items by score, best first; those with the same score in the order of their numbers. Scores that are not
 * greater than -Infinity are left out.
 *
 * A heap of `count` entries with the worst at the root: O(items · log count) at worst, one comparison an item mostly.
 * @param into `[count]`, is filled from the front
 * @param among only these, each once; all where absent
 * @returns how many it has filled
 */
export function topItems(scores: Float32Array, into: Int32Array, among?: ArrayLike<number>): number {
  let size = 0;
  const { length } = among ?? scores;
  for (let at = 0; at < length; at++) {
    const item = among === undefined ? at : (among[at] ?? 0);
    if (!((scores[item] ?? 0) > Number.NEGATIVE_INFINITY)) continue;
    if (size < into.length) rise(into, size++, item, scores);
    else if (isWorse(into[0] ?? 0, item, scores)) sink(into, { size, item, scores });
  }
  into.subarray(0, size).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  return size;
}

function isWorse(a: number, b: number, scores: Float32Array): boolean {
  const difference = (scores[a] ?? 0) - (scores[b] ?? 0);
  return difference < 0 || (difference === 0 && a > b);
}

function rise(heap: Int32Array, from: number, item: number, scores: Float32Array): void {
  let at = from;
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (!isWorse(item, heap[above] ?? 0, scores)) break;
    heap[at] = heap[above] ?? 0;
    at = above;
  }
  heap[at] = item;
}

function sink(
  heap: Int32Array,
  { size, item, scores }: { readonly size: number; readonly item: number; readonly scores: Float32Array },
): void {
  let at = 0;
  for (let child = 1; child < size; child = 2 * at + 1) {
    const right = child + 1;
    if (right < size && isWorse(heap[right] ?? 0, heap[child] ?? 0, scores)) child = right;
    if (!isWorse(heap[child] ?? 0, item, scores)) break;
    heap[at] = heap[child] ?? 0;
    at = child;
  }
  heap[at] = item;
}
