import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '../../platform/random.ts';
import type { ChaosCount, Scenario } from './scenario.ts';

export interface ChaosOptions {
  readonly scenarios: readonly Scenario[];
  /** Time of the faults; start, end and reading back come on top. */
  readonly seconds: number;
  readonly seed: number;
  readonly note: (line: string) => void;
}

export interface ChaosResult extends ChaosCount {
  /** By scenario. */
  readonly scenarios: Readonly<Record<string, ChaosCount>>;
  /** Scenarios that this machine cannot run, each with the reason. */
  readonly leftOut: readonly string[];
}

/** Runs the scenarios one after the other, each in a folder of its own, and sums up. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { note, seconds, seed } = options;
  const runnable: Scenario[] = [];
  const leftOut: string[] = [];
  for (const scenario of options.scenarios) {
    const reason = await scenario.leftOut?.();
    if (reason === undefined) runnable.push(scenario);
    else leftOut.push(`${scenario.name}: ${reason}`);
  }
  for (const line of leftOut) note(`left out: ${line}`);
  const weights = runnable.reduce((sum, { weight = 1 }) => sum + weight, 0);
  const scenarios: Record<string, ChaosCount> = {};
  for (const scenario of runnable) {
    const budgetMs = (seconds * 1000 * (scenario.weight ?? 1)) / weights;
    note(`${scenario.name}: ${scenario.about}, for ${Math.round(budgetMs / 1000)} s`);
    const dir = await mkdtemp(join(tmpdir(), 'millrace-chaos-'));
    try {
      const draws = createRandom(seed, scenario.name);
      const count = await scenario.run(
        { dir, random: () => draws.next(), note: (line) => note(`${scenario.name}: ${line}`) },
        budgetMs,
      );
      scenarios[scenario.name] = count;
      note(`${scenario.name}: ${JSON.stringify(count)}`);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }
  const sum = (key: keyof ChaosCount) =>
    Object.values(scenarios).reduce((total, count) => total + count[key], 0);
  return {
    kills: sum('kills'),
    acknowledged: sum('acknowledged'),
    lost: sum('lost'),
    duplicated: sum('duplicated'),
    scenarios,
    leftOut,
  };
}
