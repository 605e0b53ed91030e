/** The middle of the values; the mean of the two in the middle where their number is even. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? 0) + high) / 2;
}

/** A rate in units a second, turn about with those of its peers. */
export type Contestant = () => Promise<number>;

/** Rates of each contestant, round by round. */
export type Rounds<Name extends string> = Record<Name, number[]>;

/**
 * Runs every contestant once in each round, in turn, and the other way round in every second one, so that neither a
 * warm cache nor a slow minute of the machine favours one of them. The first, uncounted round warms up.
 */
export async function takeTurns<Name extends string>(
  contestants: Readonly<Record<Name, Contestant>>,
  rounds: number,
): Promise<Rounds<Name>> {
  const names = Object.keys(contestants) as Name[];
  const rates = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Rounds<Name>;
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const rate = await contestants[name]();
      if (round > 0) rates[name].push(Math.round(rate));
    }
  }
  return rates;
}

/** Runs `work` and answers how many of its units were done in a second. */
export async function rateOf(units: number, work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return units / ((performance.now() - startedMs) / 1000);
}

export function ratio(a: readonly number[], b: readonly number[]): number {
  return Number((median(a) / median(b)).toFixed(3));
}

/** Calls `call` with 0, 1, 2 … up to `calls`, never more than `inFlight` at a time. */
export async function inFlight(
  calls: number,
  limit: number,
  call: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < calls) await call(next++);
  };
  await Promise.all(Array.from({ length: limit }, lane));
}
