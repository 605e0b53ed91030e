import { BinaryHeap } from '../../../../platform/binary-heap.ts';
import { compareItems, type Item } from '../item.ts';

interface Counter<T> {
  readonly item: T;
  count: number;
  /** How much of the count may belong to other items. */
  error: number;
  /** The count when the counter was last put into the heap. */
  heaped: number;
}

/** An item with its count: the true number of times is from `count - error` to `count`. */
export interface TopItem<T> {
  readonly item: T;
  readonly count: number;
  readonly error: number;
}

/** Floor, then items, counts and errors, the greatest count first. JSON. */
export type PackedSpaceSaving<T> = readonly [
  floor: number,
  items: readonly T[],
  counts: readonly number[],
  errors: readonly number[],
];

/**
 * Space-Saving (Metwally, Agrawal and El Abbadi, ICDT 2005), merged as in Agarwal et al., "Mergeable Summaries" (PODS
 * 2012). With `capacity` counters and n items added, every error is at most n/capacity and every item that came more
 * often than n/capacity has a counter. Up to `capacity` different items all counts are exact. Adding is O(1), and
 * O(log capacity) where an item takes over the counter of another.
 *
 * Why merging keeps the bound: the counts never add up to more than n, and no item without a counter came more often
 * than the floor, the greatest count taken over so far. A merged item that is in one summary only may have come up to
 * the other's floor times there, and gets that much more count and error; what is cut off raises the floor.
 */
export class SpaceSaving<T extends Item> {
  readonly #capacity: number;
  readonly #counters = new Map<T, Counter<T>>();
  #floor = 0;
  /** All counters by the count that they had when put there; made when the first must give way. */
  #heap: BinaryHeap<Counter<T>> | undefined;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(item: T): void {
    const known = this.#counters.get(item);
    if (known !== undefined) {
      known.count += 1;
      return;
    }
    if (this.#counters.size >= this.#capacity) this.#floor = this.#takeLeast();
    const counter = { item, count: this.#floor + 1, error: this.#floor, heaped: this.#floor + 1 };
    this.#counters.set(item, counter);
    this.#heap?.push(counter);
  }

  merge(other: SpaceSaving<T>): void {
    for (const counter of this.#counters.values())
      if (!other.#counters.has(counter.item)) raise(counter, other.#floor, other.#floor);
    for (const { item, count, error } of other.#counters.values()) {
      const mine = this.#counters.get(item);
      if (mine === undefined) this.#set(item, count + this.#floor, error + this.#floor);
      else raise(mine, count, error);
    }
    this.#floor += other.#floor;
    this.#heap = undefined;
    if (this.#counters.size <= this.#capacity) return;
    const dropped = this.#sorted().slice(this.#capacity);
    this.#floor = dropped[0]?.count ?? this.#floor;
    for (const { item } of dropped) this.#counters.delete(item);
  }

  /** The k items of the greatest counts, greatest first; of equal counts the item that comes first in order. */
  top(k: number): TopItem<T>[] {
    const best = new BinaryHeap<Counter<T>>((a, b) => -compareCounters(a, b));
    for (const counter of this.#counters.values()) {
      const least = best.peek();
      if (best.size >= k && least !== undefined) {
        if (compareCounters(counter, least) > 0) continue;
        best.pop();
      }
      best.push(counter);
    }
    const items: TopItem<T>[] = [];
    for (let next = best.pop(); next !== undefined; next = best.pop())
      items.push({ item: next.item, count: next.count, error: next.error });
    return items.reverse();
  }

  pack(): PackedSpaceSaving<T> {
    const counters = this.#sorted();
    return [
      this.#floor,
      counters.map(({ item }) => item),
      counters.map(({ count }) => count),
      counters.map(({ error }) => error),
    ];
  }

  static unpack<T extends Item>(
    capacity: number,
    [floor, items, counts, errors]: PackedSpaceSaving<T>,
  ): SpaceSaving<T> {
    const summary = new SpaceSaving<T>(capacity);
    summary.#floor = floor;
    items.forEach((item, index) => summary.#set(item, counts[index] ?? 0, errors[index] ?? 0));
    return summary;
  }

  #set(item: T, count: number, error: number): void {
    this.#counters.set(item, { item, count, error, heaped: count });
  }

  #sorted(): Counter<T>[] {
    return [...this.#counters.values()].sort(compareCounters);
  }

  /** Removes the last counter in the order of {@link compareCounters}; returns its count. */
  #takeLeast(): number {
    this.#heap ??= this.#newHeap();
    // Counts only grow: a counter at the top that has not grown since it was put there is the least.
    for (;;) {
      const top = this.#heap.pop();
      if (top === undefined) return this.#floor;
      if (top.count === top.heaped) {
        this.#counters.delete(top.item);
        return top.count;
      }
      top.heaped = top.count;
      this.#heap.push(top);
    }
  }

  #newHeap(): BinaryHeap<Counter<T>> {
    const heap = new BinaryHeap<Counter<T>>((a, b) => a.heaped - b.heaped || compareItems(b.item, a.item));
    for (const counter of this.#counters.values()) {
      counter.heaped = counter.count;
      heap.push(counter);
    }
    return heap;
  }
}

function raise(counter: Counter<Item>, count: number, error: number): void {
  counter.count += count;
  counter.error += error;
}

/** Greatest count first, then by item. */
function compareCounters(a: Counter<Item>, b: Counter<Item>): number {
  return b.count - a.count || compareItems(a.item, b.item);
}
