/** What a chaos scenario is given and what it answers. */
export interface ChaosContext {
  /** A folder of the scenario's own; deleted afterwards. */
  readonly dir: string;
  /** Seeded: the same seed kills at the same moments, as far as the machine allows. */
  readonly random: () => number;
  readonly note: (line: string) => void;
}

export interface ChaosCount {
  /** Processes ended with SIGKILL, servers ended and started again, disks filled. */
  kills: number;
  /** Records, rows or values that an engine had acknowledged. */
  acknowledged: number;
  /** Of those, how many are not there. */
  lost: number;
  /** What is there more than once, or is there without ever having been written. */
  duplicated: number;
}

export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** Why it cannot run on this machine; undefined where it can. */
  leftOut?(): Promise<string | undefined>;
  /** Its share of the time of a run; 1 where absent. */
  readonly weight?: number;
  run(context: ChaosContext, budgetMs: number): Promise<ChaosCount>;
}

/** Ids that were acknowledged, held against ids that are there. An id without an acknowledgement may be there or not. */
export function compareIds(
  acknowledged: ReadonlySet<string>,
  found: Iterable<string>,
): Pick<ChaosCount, 'acknowledged' | 'lost' | 'duplicated'> {
  const seen = new Set<string>();
  let duplicated = 0;
  for (const id of found) {
    if (seen.has(id)) duplicated++;
    seen.add(id);
  }
  let lost = 0;
  for (const id of acknowledged) if (!seen.has(id)) lost++;
  return { acknowledged: acknowledged.size, lost, duplicated };
}
