/** What a visitor of the benchmark has done: a small object, as jobs keep them. */
export interface Visit {
  readonly views: number;
  readonly lastMs: number;
  readonly item: string;
  readonly seen: readonly string[];
}

const BASE_MS = Date.UTC(2026, 0, 1);
const ITEMS = 5_000;
/** Of Knuth, The Art of Computer Programming, volume 2, section 3.3.4: scatters consecutive numbers. */
const SCATTER = 2_654_435_761;

/** Key of the n-th visitor: 24 characters that share no order with n. */
export function visitorKey(n: number): string {
  const scattered = Math.imul(n, SCATTER) >>> 0;
  return `visitor-${scattered.toString(16).padStart(8, '0')}${n.toString(16).padStart(8, '0')}`;
}

/** Value of the n-th visitor: about a hundred bytes of JSON. */
export function visitOf(n: number): Visit {
  const item = (step: number) => `item-${String((n * 31 + step * 977) % ITEMS).padStart(5, '0')}`;
  return { views: n % 200, lastMs: BASE_MS + n, item: item(0), seen: [item(1), item(2)] };
}
