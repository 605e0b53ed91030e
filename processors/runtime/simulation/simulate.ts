import type { LogRecord, TopicPartition } from '../../../platform/kafka/port.ts';
import { createRandom } from '../../../platform/random.ts';
import { deadLetterTopic, lateTopic } from '../../../schemas/topics.ts';
import type { Topology } from '../dsl/index.ts';
import { driveTopology } from '../testing/topology-driver.ts';
import type { Subtopology } from '../topology.ts';
import { ALL_FAULTS, describeFault, drawFaults, type Fault, type FaultWeights } from './faults.ts';
import { compareOutcomes, type ComparisonOptions, type Outcome } from './outcome.ts';
import { shrink } from './shrink.ts';
import { World, type SimulatedInput } from './world.ts';

export interface SimulationOptions extends ComparisonOptions {
  /** What is published, and when. Its last records should let everything before them end: windows close, timers fire. */
  readonly input: readonly SimulatedInput[];
  /** Where the clock begins, epoch ms. */
  readonly startMs: number;
  /** Kinds of faults by weight, or exactly these faults; {@link ALL_FAULTS} where absent. */
  readonly faults?: FaultWeights | readonly Fault[];
  /** Of each topic from outside; 2 where absent. */
  readonly partitions?: number;
  /** Processes; 2 where absent. */
  readonly instances?: number;
  /** 0 where absent. */
  readonly outOfOrderMs?: number;
  /** Never where absent: then results depend on the log alone. */
  readonly idleTimeoutMs?: number;
  /**
   * What must hold in the end, instead of being the same as without faults: for topologies whose results depend on the
   * clock, or on the order in which inputs are read. Answers what is wrong.
   */
  readonly check?: (outcome: Outcome, world: World) => readonly string[];
}

export interface SimulationReport {
  readonly seed: number;
  /** What is wrong, in words; empty where nothing is. */
  readonly problems: readonly string[];
  /** Every fault of the seed, in the order of their times. */
  readonly faults: readonly Fault[];
  /** Those that met something. */
  readonly faultsInjected: number;
  /** Things that happened, one at a time. */
  readonly steps: number;
  /** How long it took on the clock of the simulation. */
  readonly virtualMs: number;
  readonly outcome: Outcome;
}

const BROKERS = 3;
const COMMIT_INTERVALS_MS = [100, 250, 600];
/** Calm after the last record or fault before everything is mended. */
const CALM_MS = 300;
const LIMIT_MS = 300_000;
const NEVER_MS = 1e12;

/**
 * Runs a topology through the faults of a seed: real tasks, real state, the real client on simulated brokers, on a clock
 * of its own. Then everything is mended, and what was said is compared with what the topology says of the same log
 * without a fault. The same seed is the same run, on every machine.
 */
export async function simulate(
  topology: Topology,
  seed: number,
  options: SimulationOptions,
): Promise<SimulationReport> {
  const { input, startMs, partitions = 2, instances = 2, outOfOrderMs = 0 } = options;
  const { subtopologies } = topology;
  const idleTimeoutMs = options.idleTimeoutMs ?? NEVER_MS;
  const lastInputMs = Math.max(0, ...input.map(({ atMs }) => atMs));
  const faults = faultsOf(seed, options, { instances, withinMs: lastInputMs });
  const world = new World({
    ...{ seed, subtopologies, partitions, instances, startMs, brokers: BROKERS },
    watermark: { outOfOrderMs, idleTimeoutMs },
    commitIntervalMs: createRandom(seed, 'set-up').pick(COMMIT_INTERVALS_MS),
    withStandbys: seed % 4 === 0 && instances > 1,
  });
  world.start();
  world.publish(input);
  world.inject(faults);
  const calmMs = Math.max(lastInputMs, ...faults.map(({ atMs }) => atMs)) + CALM_MS;
  await world.time.run(() => false, calmMs);
  world.heal();
  const isSettled = (await world.settle(calmMs + LIMIT_MS)) && (await world.stop(calmMs + 2 * LIMIT_MS));
  const outcome = outcomeOf(world, subtopologies);
  const problems = !isSettled
    ? [`not everything was processed within ${LIMIT_MS / 1000} s after the last fault`]
    : (options.check?.(outcome, world) ??
      compareOutcomes(await reference(topology, world, options), outcome, options));
  return {
    ...{ seed, faults, faultsInjected: world.faultsInjected, outcome },
    problems: [...world.bugs, ...problems],
    steps: world.time.steps,
    virtualMs: Math.round(world.time.nowMs),
  };
}

/**
 * Runs seeds until one fails, and then says the fewest faults that make it fail.
 * @throws Error naming seed, faults and problems
 */
export async function simulateSeeds(
  topology: () => Topology,
  seeds: { readonly from?: number; readonly count: number },
  options: SimulationOptions,
): Promise<void> {
  const { from = 1, count } = seeds;
  for (let seed = from; seed < from + count; seed++) {
    const report = await simulate(topology(), seed, options);
    if (report.problems.length === 0) continue;
    const runWith = (faults: readonly Fault[]) => simulate(topology(), seed, { ...options, faults });
    const faults = await shrink(report.faults, async (part) => (await runWith(part)).problems.length > 0);
    const { problems } = await runWith(faults);
    const lines = [
      ...faults.map((fault) => `  ${describeFault(fault)}`),
      ...problems.slice(0, 5).map((one) => `  wrong: ${one}`),
    ];
    throw new Error(
      `seed ${seed} fails with ${faults.length} of its ${report.faults.length} faults:\n${lines.join('\n')}`,
    );
  }
}

function faultsOf(
  seed: number,
  { faults = ALL_FAULTS }: SimulationOptions,
  run: { readonly instances: number; readonly withinMs: number },
): readonly Fault[] {
  if (isList(faults)) return faults;
  const count = { min: 2, max: 12 };
  return drawFaults(createRandom(seed, 'faults'), { weights: faults, count, brokers: BROKERS, ...run });
}

function isList(faults: FaultWeights | readonly Fault[]): faults is readonly Fault[] {
  return Array.isArray(faults);
}

/** Topics that others read: without those between the parts of the application. */
function saidTopics(subtopologies: readonly Subtopology[]): readonly string[] {
  const inputs = new Set(subtopologies.flatMap((one) => one.inputs.map(({ topic }) => topic)));
  const sides = [...inputs].flatMap((topic) => [lateTopic(topic), deadLetterTopic(topic)]);
  const written = subtopologies.flatMap(({ writes = [] }) => writes).filter((topic) => !inputs.has(topic));
  return [...new Set([...written, ...sides])];
}

function outcomeOf(world: World, subtopologies: readonly Subtopology[]): Outcome {
  return {
    topics: new Map(saidTopics(subtopologies).map((topic) => [topic, world.records(topic)])),
    tables: new Map(world.tables.tables.map((table) => [table, world.tables.rows(table)])),
    online: world.online.values(),
  };
}

/** What the topology says of the log of a world where nothing goes wrong: record by record, one task after the other. */
async function reference(topology: Topology, world: World, options: SimulationOptions): Promise<Outcome> {
  const { startMs, partitions = 2, outOfOrderMs = 0, idleTimeoutMs = NEVER_MS } = options;
  const driver = await driveTopology(topology, { startMs, partitions, outOfOrderMs, idleTimeoutMs });
  const topics = new Set(options.input.map(({ topic }) => topic));
  const log = [...topics].flatMap((topic) => world.records(topic)).sort(byTime);
  for (const { topic, partition, key, value, timestampMs } of log) {
    await driver.advanceClock(Math.max(0, timestampMs - driver.now()));
    await driver.sendBytes(topic, value, {
      key: key?.toString() ?? null,
      partition,
      ingestTimeMs: timestampMs,
    });
  }
  return {
    topics: new Map(
      saidTopics(topology.subtopologies).map((topic) => [topic, driver.kafka.recordsOf(topic)]),
    ),
    tables: new Map(driver.tables().map((table) => [table, driver.rows(table)])),
    online: driver.onlineValues(),
  };
}

/** Records of a partition keep their order. */
function byTime(a: LogRecord & TopicPartition, b: LogRecord & TopicPartition): number {
  if (a.topic === b.topic && a.partition === b.partition) return a.offset - b.offset;
  return a.timestampMs - b.timestampMs;
}
