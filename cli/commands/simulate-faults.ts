import { availableParallelism } from 'node:os';
import { describeFault, shrink, type Fault } from '../../processors/runtime/simulation/index.ts';
import { PLANTED_BUGS } from '../../test/simulation/planted-bugs.ts';
import { runProof, type ProofRun } from '../../test/simulation/proof-run.ts';
import { runSeeds } from '../../test/simulation/run-seeds.ts';
import { defineCommand, usageError } from '../command.ts';
import { Progress } from '../progress.ts';

/** Of the seeds that failed, so many are made smaller. */
const SHRUNK = 3;
const MAX_PROBLEMS = 8;

type Note = (line: string) => void;

export const simulateFaultsCommand = defineCommand({
  usage: '[--seeds N] [--from N] | --seed N [--only LIST]',
  details:
    'Runs the stream engine through faults on a clock of its own: processes that are killed, stand still or have wrong\n' +
    'clocks, brokers that stop, requests that get lost before or after they were carried out, tables and an online store\n' +
    'that are away. Nothing is faked but time, network and servers. What must be there afterwards is told from the log\n' +
    'alone. A seed that fails is said with the fewest faults that make it fail. The last line is JSON.',
  options: {
    seeds: { type: 'integer', default: 1000, min: 1, max: 10_000_000, about: 'how many' },
    from: { type: 'integer', default: 1, min: 0, about: 'the first one' },
    seed: { type: 'integer', min: 0, about: 'this one alone, with its faults' },
    only: {
      type: 'string',
      placeholder: '2,5',
      about: 'of its faults only these, by their numbers; none: -',
    },
    threads: {
      type: 'integer',
      default: availableParallelism(),
      min: 1,
      max: 256,
      about: 'seeds side by side',
    },
    plant: {
      type: 'string',
      placeholder: '<bug>',
      about: 'with a bug that the seeds must find; ? lists them',
    },
  },
  positionals: { min: 0, max: 0 },
  examples: [
    ['simulate-faults --seeds 10000', 'ten thousand of them'],
    ['simulate-faults --seed 1184', 'one, fault by fault'],
    ['simulate-faults --seeds 100 --plant "timer lost on restore"', 'what it looks like when there is a bug'],
  ],
  async run({ options, print, note }) {
    const planted = plantedBug(options.plant);
    if (planted === 'list') {
      for (const { name } of PLANTED_BUGS) print(name);
      return 0;
    }
    if (options.seed !== undefined) return runOne(options.seed, { only: options.only, planted, print, note });
    const startedMs = performance.now();
    const progress = new Progress('simulating', { unit: 'seeds', total: options.seeds });
    const failed: number[] = [];
    let done = 0;
    let steps = 0;
    let faultsInjected = 0;
    await runSeeds({
      ...{ from: options.from, count: options.seeds, threads: options.threads, planted },
      onRun: (run) => {
        steps += run.steps;
        faultsInjected += run.faultsInjected;
        if (run.problems.length > 0) failed.push(run.seed);
        progress.update(++done, failed.length === 0 ? '' : `${failed.length} failed`);
      },
    });
    progress.finish(done);
    const seconds = round((performance.now() - startedMs) / 1000);
    failed.sort((a, b) => a - b);
    for (const seed of failed.slice(0, SHRUNK)) await tellFailure(seed, planted, note);
    if (failed.length > SHRUNK) note(`failed too: ${failed.slice(SHRUNK).join(', ')}`);
    print(JSON.stringify({ seeds: options.seeds, failed: failed.length, steps, faultsInjected, seconds }));
    return failed.length === 0 ? 0 : 1;
  },
});

function plantedBug(name: string | undefined): string | undefined {
  if (name === undefined || PLANTED_BUGS.some((bug) => bug.name === name)) return name;
  if (name === '?') return 'list';
  throw usageError(
    `no bug "${name}" to plant: ${PLANTED_BUGS.map((bug) => bug.name).join(', ')}`,
    'simulate-faults',
  );
}

function runPlanted(seed: number, planted: string | undefined, faults?: readonly Fault[]): Promise<ProofRun> {
  const bug = PLANTED_BUGS.find(({ name }) => name === planted);
  return runProof(seed, { ...bug, ...(faults === undefined ? {} : { faults }) });
}

async function runOne(
  seed: number,
  how: {
    readonly only: string | undefined;
    readonly planted: string | undefined;
    readonly print: Note;
    readonly note: Note;
  },
): Promise<number> {
  const startedMs = performance.now();
  const drawn = (await runProof(seed, { faults: [] })).drawn;
  const chosen = how.only === undefined ? drawn : chosenFaults(drawn, how.only);
  for (const fault of chosen)
    how.note(`${String(drawn.indexOf(fault)).padStart(3)}  ${describeFault(fault)}`);
  const run = await runPlanted(seed, how.planted, chosen);
  tellProblems(run, how.note);
  const { steps, faultsInjected, problems } = run;
  const seconds = round((performance.now() - startedMs) / 1000);
  how.print(
    JSON.stringify({ seeds: 1, failed: problems.length > 0 ? 1 : 0, steps, faultsInjected, seconds }),
  );
  return problems.length > 0 ? 1 : 0;
}

function chosenFaults(drawn: readonly Fault[], only: string): readonly Fault[] {
  if (only === '-') return [];
  return only.split(',').map((text) => {
    const fault = drawn[Number(text)];
    if (fault === undefined || text.trim() === '')
      throw usageError(`the seed has no fault "${text}": 0 to ${drawn.length - 1}`, 'simulate-faults');
    return fault;
  });
}

async function tellFailure(seed: number, planted: string | undefined, note: Note): Promise<void> {
  const { drawn } = await runProof(seed, { faults: [] });
  const fails = async (part: readonly Fault[]) => (await runPlanted(seed, planted, part)).problems.length > 0;
  const faults = await shrink(drawn, fails);
  note(`seed ${seed} fails with ${faults.length} of its ${drawn.length} faults:`);
  for (const fault of faults) note(`  ${describeFault(fault)}`);
  tellProblems(await runPlanted(seed, planted, faults), note);
  const only = faults.length === 0 ? '-' : faults.map((fault) => drawn.indexOf(fault)).join(',');
  const plant = planted === undefined ? '' : ` --plant "${planted}"`;
  note(`again: millrace simulate-faults --seed ${seed} --only ${only}${plant}`);
}

function tellProblems({ problems }: ProofRun, note: Note): void {
  for (const problem of problems.slice(0, MAX_PROBLEMS)) note(`  wrong: ${problem}`);
  if (problems.length > MAX_PROBLEMS) note(`  and ${problems.length - MAX_PROBLEMS} more`);
}

function round(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}
