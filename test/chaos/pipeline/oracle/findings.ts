/** What the oracle found wrong, by kind. */
export type FindingKind =
  | 'lost-by-kafka'
  | 'gap'
  | 'duplicate'
  | 'wrong-window'
  | 'wrong-redis-key'
  | 'wrong-lateness'
  | 'unexpected-dead-letter'
  | 'process';

const SHOWN = 15;

/** Collects what is wrong; all of it counts, the first of each kind are told. */
export class Findings {
  readonly #texts = new Map<FindingKind, string[]>();
  readonly #counts = new Map<FindingKind, number>();

  add(kind: FindingKind, text: string): void {
    this.#counts.set(kind, this.count(kind) + 1);
    const texts = this.#texts.get(kind) ?? [];
    if (texts.length < SHOWN) texts.push(text);
    this.#texts.set(kind, texts);
  }

  count(kind: FindingKind): number {
    return this.#counts.get(kind) ?? 0;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** A line for each of the first findings. */
  get lines(): readonly string[] {
    return [...this.#texts].flatMap(([kind, texts]) => {
      const more = this.count(kind) - texts.length;
      return [...texts.map((text) => `${kind}: ${text}`), ...(more > 0 ? [`${kind}: ${more} more`] : [])];
    });
  }
}

/** Counts by key. */
export type Tally = Map<string, number>;

export function tally(keys: Iterable<string>): Tally {
  const counts: Tally = new Map();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** Each key must be there as often as it is wanted, at least and at most, and nothing else. */
export function compareTallies(
  findings: Findings,
  what: string,
  {
    wanted,
    atMost = wanted,
    found,
  }: { readonly wanted: Tally; readonly atMost?: Tally; readonly found: Tally },
): void {
  for (const key of new Set([...wanted.keys(), ...found.keys()])) {
    const [least, most] = [wanted.get(key) ?? 0, atMost.get(key) ?? 0];
    const count = found.get(key) ?? 0;
    if (count < least) findings.add('gap', `${what}: ${key} is there ${count} times, not ${least}`);
    else if (count > most) findings.add('duplicate', `${what}: ${key} is there ${count} times, not ${most}`);
  }
}
