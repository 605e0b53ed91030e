import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openClickHouse } from '../../../platform/clickhouse/open.ts';
import { openKafka } from '../../../platform/kafka/index.ts';
import { silentLogger } from '../../../platform/log.ts';
import { openOnlineStore } from '../../../platform/online-store/index.ts';
import { Lifetime } from '../../../platform/shutdown.ts';
import { processorsGroup } from '../../../processors/application.ts';
import { shopTopology } from '../../../processors/topologies.ts';
import { namespaced } from '../../../schemas/topics.ts';
import { countAcknowledged, readBook } from './acknowledgements.ts';
import { carryOut } from './faults.ts';
import { Findings } from './oracle/findings.ts';
import { judge, type Verdict } from './oracle/judge.ts';
import { FAULT_KINDS, planFaults, type FaultKind } from './plan.ts';
import { Stalled, untilQuiet } from './quiet.ts';
import { countRebalances } from './rebalances.ts';
import { NAMESPACE, openStage, type Stage } from './stage.ts';

export interface PipelineOptions {
  /** Time of the faults; start, calming down and judging come on top. */
  readonly seconds: number;
  readonly seed: number;
  readonly instances: number;
  readonly ratePerSecond: number;
  readonly withStandbys: boolean;
  /** Keeps logs, data and the producer's book also where nothing was found. */
  readonly keep: boolean;
  readonly note: (line: string) => void;
}

export interface PipelineResult {
  readonly eventsAcked: number;
  readonly windowsChecked: number;
  readonly lateEvents: number;
  /** Processors killed with SIGKILL. */
  readonly kills: number;
  readonly brokerRestarts: number;
  readonly rebalances: number;
  readonly gaps: number;
  readonly duplicates: number;
  readonly wrongWindows: number;
  readonly wrongRedisKeys: number;
  /** Acknowledged by Kafka, and not there. */
  readonly lostByKafka: number;
  /** All of the above that are wrong, and what is wrong otherwise. */
  readonly findings: number;
  readonly redisKeysChecked: number;
  readonly deadLetters: number;
  /** Processors that ended by themselves, such as at a start with a server away. */
  readonly exits: number;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly seed: number;
}

const SESSION_TIMEOUT_MS = 5000;
const PROGRESS_MS = 5000;
/** Topics by the hundred, on a machine that may be busy with others. */
const START_TIMEOUT_MS = 240_000;
const FINISH_TIMEOUT_MS = 180_000;
const QUIET_TIMEOUT_MS = 300_000;
const NOTHING_JUDGED: Verdict = {
  ...{ eventsAcked: 0, windowsChecked: 0, lateEvents: 0, redisKeysChecked: 0, deadLetters: 0 },
};
/** Longest way from a topic from outside to the last task behind it. */
const DEPTH = 6;
/** Idle time-out, grace and some more: windows have closed by themselves. */
const CLOSING_MS = 8000;

/**
 * Runs the product on a stack of its own while everything breaks, lets it come to rest, and judges what it has written by
 * what the producer was acknowledged. On a finding the folder of the run is kept.
 */
export async function runPipeline(options: PipelineOptions): Promise<PipelineResult> {
  const { note, keep } = options;
  const dir = await mkdtemp(join(tmpdir(), 'millrace-chaos-'));
  const findings = new Findings();
  note(`everything is in ${dir}`);
  let isKept = true;
  try {
    const result = await run(options, dir, findings);
    isKept = keep || result.findings > 0;
    for (const line of findings.lines) note(line);
    return result;
  } finally {
    if (isKept) note(`logs, data and the producer's book are kept in ${dir}`);
    else await rm(dir, { recursive: true, force: true });
  }
}

async function run(options: PipelineOptions, dir: string, findings: Findings): Promise<PipelineResult> {
  const { seed, note } = options;
  const stage = await openStage({ ...options, dir, findings, sessionTimeoutMs: SESSION_TIMEOUT_MS });
  const lifetime = new Lifetime(silentLogger());
  lifetime.add('stage', stage);
  const atEnd = endAtSignal(() => stage.close());
  const counts = zeroCounts();
  let verdict: Verdict = NOTHING_JUDGED;
  try {
    await breakEverything(options, { stage, dir, lifetime, counts });
    await comeToRest(stage, { dir, lifetime, findings, note });
    verdict = await verdictOf(stage, { dir, lifetime, findings });
  } catch (error) {
    // What does not get on cannot be judged, and is a finding.
    if (!(error instanceof Stalled)) throw error;
    findings.add('process', error.message);
  } finally {
    atEnd();
    await lifetime.close();
  }
  const rebalances = await countRebalances(dir, processorsGroup(NAMESPACE));
  return resultOf({ verdict, findings, counts, rebalances, exits: stage.exits.count, seed });
}

interface Counted {
  readonly verdict: Verdict;
  readonly findings: Findings;
  readonly counts: Readonly<Record<FaultKind, number>>;
  readonly rebalances: number;
  readonly exits: number;
  readonly seed: number;
}

function resultOf({ verdict, findings, counts, ...more }: Counted): PipelineResult {
  const { eventsAcked, windowsChecked, lateEvents, redisKeysChecked, deadLetters } = verdict;
  const { rebalances, exits, seed } = more;
  return {
    ...{ eventsAcked, windowsChecked, lateEvents, kills: counts['processor-kill'] },
    brokerRestarts: counts['broker-kill'] + counts['broker-stop'],
    rebalances,
    gaps: findings.count('gap'),
    duplicates: findings.count('duplicate'),
    wrongWindows: findings.count('wrong-window') + findings.count('wrong-lateness'),
    wrongRedisKeys: findings.count('wrong-redis-key'),
    lostByKafka: findings.count('lost-by-kafka'),
    findings: findings.total,
    ...{ redisKeysChecked, deadLetters, exits, faults: counts, seed },
  };
}

async function breakEverything(
  { seconds, seed, note }: PipelineOptions,
  {
    stage,
    dir,
    lifetime,
    counts,
  }: Omit<Work, 'findings'> & { readonly stage: Stage; readonly counts: Record<FaultKind, number> },
): Promise<void> {
  const plan = planFaults({ seconds, seed, sessionTimeoutMs: SESSION_TIMEOUT_MS });
  await untilFirstCommit(stage, dir, lifetime);
  note(`faults begin: ${plan.length} in ${seconds} s, seed ${seed}`);
  const progress = progressLine(dir, counts, note);
  try {
    await carryOut(plan, stage, (fault, victim) => {
      counts[fault.kind] += 1;
      note(`  ${(fault.atMs / 1000).toFixed(1)} s  ${fault.kind} ${victim} (${fault.forMs} ms)`);
    });
    note('faults are over; the producer closes its shop');
    await stage.producer.finish(FINISH_TIMEOUT_MS);
  } finally {
    clearInterval(progress);
  }
}

interface Work {
  readonly dir: string;
  readonly lifetime: Lifetime;
  readonly findings: Findings;
}

async function kafkaOf({ config }: Stage, dir: string, lifetime: Lifetime) {
  const options = { config: config.kafka, dataDir: dir, clientId: 'chaos', log: silentLogger() };
  return lifetime.add('kafka', await openKafka(options));
}

function inputTopics({ config }: Stage): readonly string[] {
  const { subtopologies } = shopTopology(config.processing);
  const inputs = subtopologies.flatMap((subtopology) => subtopology.inputs.map(({ topic }) => topic));
  return [...new Set(inputs)].map((topic) => namespaced(NAMESPACE, topic));
}

/** The processors have made their topics and work: before that there is nothing to break. */
async function untilFirstCommit(stage: Stage, dir: string, lifetime: Lifetime): Promise<void> {
  const kafka = await kafkaOf(stage, dir, lifetime);
  const topic = namespaced(NAMESPACE, 'shop.clickstream');
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const committed = await kafka.admin.committed(processorsGroup(NAMESPACE), topic).catch(() => []); // no topic yet
    if (committed.some(({ offset }) => offset > 0)) return;
    stage.producer.check();
    if (performance.now() > deadlineMs) throw new Stalled('the processors did not commit anything');
    await sleep(500);
  }
}

async function comeToRest(
  stage: Stage,
  { dir, lifetime, findings, note }: Work & Pick<PipelineOptions, 'note'>,
): Promise<void> {
  const kafka = await kafkaOf(stage, dir, lifetime);
  let toldMs = performance.now();
  const quiet = {
    ...{
      kafka,
      groupId: processorsGroup(NAMESPACE),
      topics: inputTopics(stage),
      timeoutMs: QUIET_TIMEOUT_MS,
    },
    onLook: (behind: number) => {
      if (performance.now() - toldMs < PROGRESS_MS) return;
      toldMs = performance.now();
      note(`  ${behind} partitions are behind`);
    },
  };
  await untilQuiet(quiet, DEPTH);
  await sleep(CLOSING_MS);
  await untilQuiet(quiet, DEPTH);
  note('everything is committed; the processors are asked to end');
  await Promise.all(
    [...stage.processors].map(async (processor) => {
      const code = await processor.leave();
      if (code !== 0) findings.add('process', `${processor.name} ended with ${code}: ${processor.logFile}`);
    }),
  );
}

async function verdictOf(stage: Stage, { dir, lifetime, findings }: Work) {
  const { config } = stage;
  const log = silentLogger();
  const kafka = await kafkaOf(stage, dir, lifetime);
  const clickhouse = lifetime.add(
    'clickhouse',
    await openClickHouse({ config: config.clickhouse, dataDir: dir, log }),
  );
  const store = lifetime.add(
    'online store',
    await openOnlineStore({ redis: config.redis, dataDir: dir, keyPrefix: `mr:${NAMESPACE}:`, log }),
  );
  const { graceMs, outOfOrderMs } = config.processing;
  const book = readBook(join(dir, 'book'));
  const evidence = { book, kafka, clickhouse, store, namespace: NAMESPACE, times: { graceMs, outOfOrderMs } };
  return judge(evidence, findings);
}

function progressLine(
  dir: string,
  counts: Readonly<Record<FaultKind, number>>,
  note: (line: string) => void,
): NodeJS.Timeout {
  const startMs = performance.now();
  return setInterval(() => {
    const seconds = Math.round((performance.now() - startMs) / 1000);
    const faults = Object.values(counts).reduce((sum, count) => sum + count, 0);
    note(`${seconds} s: ${countAcknowledged(join(dir, 'book'))} records acknowledged, ${faults} faults`);
  }, PROGRESS_MS);
}

function zeroCounts(): Record<FaultKind, number> {
  return Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<FaultKind, number>;
}

/** Ctrl-C ends what was started too. Answers how to take that back. */
function endAtSignal(close: () => Promise<void>): () => void {
  const onSignal = () => void close().finally(() => process.exit(130));
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  return () => {
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
  };
}
