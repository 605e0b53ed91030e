/** A binary min-heap by due time; what is due at the same time leaves in the order it came. */
export interface DueQueue<T extends { readonly dueMs: number }> {
  push(element: T): void;
  /** The next element that is due by then. */
  popDue(nowMs: number): T | undefined;
  readonly size: number;
}

interface Entry<T> {
  readonly element: T;
  readonly order: number;
}

export function createDueQueue<T extends { readonly dueMs: number }>(): DueQueue<T> {
  const heap: Entry<T>[] = [];
  let pushed = 0;

  const isBefore = (a: Entry<T>, b: Entry<T>): boolean =>
    a.element.dueMs === b.element.dueMs ? a.order < b.order : a.element.dueMs < b.element.dueMs;

  function rise(entry: Entry<T>): void {
    let place = heap.length;
    heap.push(entry);
    while (place > 0) {
      const parentPlace = (place - 1) >>> 1;
      const parent = heap[parentPlace];
      if (parent === undefined || !isBefore(entry, parent)) break;
      heap[place] = parent;
      place = parentPlace;
    }
    heap[place] = entry;
  }

  function sink(entry: Entry<T>): void {
    let place = 0;
    for (;;) {
      let childPlace = place * 2 + 1;
      let child = heap[childPlace];
      const right = heap[childPlace + 1];
      if (child !== undefined && right !== undefined && isBefore(right, child)) {
        child = right;
        childPlace++;
      }
      if (child === undefined || !isBefore(child, entry)) break;
      heap[place] = child;
      place = childPlace;
    }
    heap[place] = entry;
  }

  return {
    get size() {
      return heap.length;
    },
    push(element) {
      rise({ element, order: pushed++ });
    },
    popDue(nowMs) {
      const first = heap[0];
      if (first === undefined || first.element.dueMs > nowMs) return undefined;
      const last = heap.pop();
      if (last !== undefined && heap.length > 0) sink(last);
      return first.element;
    },
  };
}
