/** A thread that runs seeds of the proof job as it is given them. */
import { parentPort } from 'node:worker_threads';
import { PLANTED_BUGS } from './planted-bugs.ts';
import { runProof, type ProofRun } from './proof-run.ts';

export interface SeedTask {
  readonly seed: number;
  /** Name of a bug that is planted. */
  readonly planted: string | undefined;
}

/** The faults stay behind: whoever wants them draws them again. */
export type SeedAnswer = Omit<ProofRun, 'drawn'>;

// Refusals are part of a simulation, thousands of them; nobody looks at their traces.
Error.stackTraceLimit = 0;

parentPort?.on('message', ({ seed, planted }: SeedTask) => {
  const bug = PLANTED_BUGS.find(({ name }) => name === planted);
  void runProof(seed, bug).then(({ problems, faultsInjected, steps, virtualMs }) => {
    parentPort?.postMessage({ seed, problems, faultsInjected, steps, virtualMs } satisfies SeedAnswer);
  });
});
