import { createRandom } from '../../platform/random.ts';
import {
  ALL_FAULTS,
  drawFaults,
  World,
  type Fault,
  type WorldOptions,
} from '../../processors/runtime/simulation/index.ts';
import { T0 } from '../harness/shop-events.ts';
import { lastViews, proofInput } from './proof-input.ts';
import { proofJob } from './proof-job.ts';
import { checkProof } from './proof-oracle.ts';

export interface ProofOptions {
  /** Exactly these instead of those of the seed. */
  readonly faults?: readonly Fault[];
  /** Exactly once where absent. */
  readonly guarantee?: WorldOptions['guarantee'];
  /** Holds it to what at-least-once promises. */
  readonly isAtLeastOnce?: boolean;
  readonly alter?: WorldOptions['alter'];
  readonly alterConnect?: WorldOptions['alterConnect'];
}

export interface ProofRun {
  readonly seed: number;
  readonly problems: readonly string[];
  /** Every fault of the seed. */
  readonly drawn: readonly Fault[];
  readonly faultsInjected: number;
  /** Things that happened, one at a time. */
  readonly steps: number;
  /** Of the simulation's own clock. */
  readonly virtualMs: number;
}

const BROKERS = 3;
const INPUT_MS = 4000;
const FAULTS_MS = 5000;
const CALM_MS = 5500;
/** From then on it counts as stuck. */
const LIMIT_MS = 180_000;
const NEVER_MS = 1e12;
/** Shorter than many a process stands still: its transaction is aborted meanwhile. */
const SHORT_TRANSACTION_MS = 1500;

/** How a seed runs the proof job; what is drawn here is drawn apart from what happens. */
function setUp(seed: number) {
  const random = createRandom(seed, 'set-up');
  const partitions = random.pick([1, 1, 2, 2, 2, 3]);
  const instances = 1 + random.int(3);
  const isLateKnown = random.chance(0.6);
  const outOfOrderMs = 300;
  const faults = drawFaults(createRandom(seed, 'faults'), {
    ...{ weights: ALL_FAULTS, count: { min: 2, max: 14 }, withinMs: FAULTS_MS },
    ...{ instances, brokers: BROKERS },
  });
  const input = proofInput(createRandom(seed, 'input'), {
    ...{ views: 40 + random.int(60), withinMs: INPUT_MS, outOfOrderMs },
  });
  const world: WorldOptions = {
    ...{ seed, partitions, instances, brokers: BROKERS, startMs: T0 },
    subtopologies: proofJob().subtopologies,
    watermark: { outOfOrderMs, idleTimeoutMs: isLateKnown ? NEVER_MS : 1200 },
    commitIntervalMs: random.pick([100, 250, 400, 800]),
    withStandbys: instances > 1 && random.chance(0.2),
    ...(createRandom(seed, 'transactions').chance(0.5) ? { transactionTimeoutMs: SHORT_TRANSACTION_MS } : {}),
  };
  return { world, faults, input, isLateKnown, outOfOrderMs };
}

/** One run of the proof job through the faults of a seed, and what is wrong afterwards. */
export async function runProof(seed: number, options: ProofOptions = {}): Promise<ProofRun> {
  const { world: worldOptions, faults: drawn, input, isLateKnown, outOfOrderMs } = setUp(seed);
  const { faults = drawn, isAtLeastOnce, ...altered } = options;
  const world = new World({ ...worldOptions, ...altered });
  world.start();
  world.publish(input);
  world.inject(faults);
  await world.time.run(() => false, CALM_MS);
  world.heal();
  world.publish(lastViews(worldOptions.partitions, CALM_MS + 200));
  const isSettled = (await world.settle(LIMIT_MS)) && (await world.stop(LIMIT_MS + 60_000));
  const problems = isSettled
    ? checkProof(world, { isLateKnown, outOfOrderMs, isAtLeastOnce })
    : [`not everything was processed within ${LIMIT_MS / 1000} s after the last fault`];
  return {
    ...{ seed, drawn, faultsInjected: world.faultsInjected },
    problems: [...world.bugs, ...problems],
    steps: world.time.steps,
    virtualMs: Math.round(world.time.nowMs),
  };
}
