import { mkdtemp, rm } from 'node:fs/promises';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SETTINGS } from '../../platform/config.ts';
import { openKafka } from '../../platform/kafka/index.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import { createLogger } from '../../platform/log.ts';
import { PACKAGE_ROOT } from '../../schemas/package-root.ts';
import { deadLetterTopic, lateTopic } from '../../schemas/topics.ts';
import { writeReport } from '../report.ts';
import { drainRate } from './drain.ts';
import { Feeder } from './feeder.ts';
import { measureKill, type Recovery } from './measure-kill.ts';
import { recoveryTable, summaryOf, type Summary } from './summary.ts';
import { Worker, type Guarantee, type WorkerTask } from './worker.ts';

const PARTITIONS = 6;
const WORKERS = 2;
const KEYS = 50_000;
const RATE_PER_SECOND = 300;
const COMMIT_INTERVAL_MS = 200;
/** The least that brokers take unless told otherwise. */
const SESSION_TIMEOUT_MS = 6000;
const SETTLE_TIMEOUT_MS = 120_000;
const CALM_MS = 2000;

export interface RecoveryBenchOptions {
  readonly brokers: readonly string[];
  /** Of each way to run. */
  readonly kills: number;
  /** Events that are in the log, and in the state, before the first kill. */
  readonly events: number;
  readonly rounds: number;
  readonly note: (line: string) => void;
}

export interface RecoveryBenchResult {
  readonly kills: number;
  readonly recovery: Readonly<Record<string, Summary>>;
  /** Events a second with each guarantee; only exactly-once where the processors know no other. */
  readonly eventsPerSecond: Readonly<Partial<Record<Guarantee, number>>>;
  /** What exactly-once keeps of the throughput of at-least-once. */
  readonly exactlyOnceRatio: number | null;
}

/** Whether the processors can be told to be at-least-once. */
export function guarantees(): readonly Guarantee[] {
  return 'MR_GUARANTEE' in SETTINGS ? ['exactly-once', 'at-least-once'] : ['exactly-once'];
}

/** Runs the benchmark of bench/recovery/README.md against real brokers. */
export async function benchRecovery(options: RecoveryBenchOptions): Promise<RecoveryBenchResult> {
  const { brokers, kills, note } = options;
  const dir = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const log = createLogger('warn', 'bench');
  const kafka = await openKafka({ config: { brokers }, dataDir: dir, clientId: 'bench', log });
  try {
    const recovery: Record<string, Summary> = {};
    for (const guarantee of guarantees()) {
      for (const withStandbys of [false, true]) {
        const name = `${guarantee}${withStandbys ? ', standbys' : ''}`;
        const measured = await killAgainAndAgain({ ...options, kafka, dir, guarantee, withStandbys, name });
        recovery[name] = summaryOf(measured);
        note(`${name}: ${JSON.stringify(recovery[name])}`);
      }
    }
    const eventsPerSecond = await drainRate({ ...options, kafka, dir, guarantees: guarantees() });
    const { 'exactly-once': once, 'at-least-once': atLeast } = eventsPerSecond;
    const exactlyOnceRatio =
      once === undefined || atLeast === undefined ? null : Number((once / atLeast).toFixed(3));
    const result = { kills, recovery, eventsPerSecond, exactlyOnceRatio };
    await writeReport('recovery', { brokers: String(brokers.length) }, result);
    await writeFile(join(PACKAGE_ROOT, 'bench', 'results', 'recovery.md'), recoveryTable(result));
    return result;
  } finally {
    await kafka.close();
    await rm(dir, { recursive: true, force: true });
  }
}

interface Way extends RecoveryBenchOptions {
  readonly kafka: Kafka;
  readonly dir: string;
  readonly guarantee: Guarantee;
  readonly withStandbys: boolean;
  readonly name: string;
}

async function killAgainAndAgain(way: Way): Promise<readonly Recovery[]> {
  const { kafka, kills, note, name, dir, brokers, guarantee, withStandbys } = way;
  const run = `recovery-${Date.now().toString(36)}`;
  const topic = `${run}.views`;
  await kafka.admin.ensureTopics(
    [topic, lateTopic(topic), deadLetterTopic(topic)].map((each) => ({
      topic: each,
      partitions: PARTITIONS,
    })),
  );
  const feeder = new Feeder(kafka, topic, KEYS);
  note(`${name}: ${way.events} events of ${KEYS} items into ${PARTITIONS} partitions`);
  await feeder.fill(way.events);
  feeder.start(RATE_PER_SECOND);
  let made = 0;
  const begin = () => {
    const task: WorkerTask = {
      ...{ brokers, topic, groupId: run, guarantee, withStandbys, dir: join(dir, `${run}-${made++}`) },
      ...{ commitIntervalMs: COMMIT_INTERVAL_MS, sessionTimeoutMs: SESSION_TIMEOUT_MS },
    };
    return new Worker(task);
  };
  const workers = Array.from({ length: WORKERS }, begin);
  try {
    const measured: Recovery[] = [];
    for (let kill = 1; kill <= kills; kill++) {
      await untilSettled(workers, feeder);
      const victim = workers.shift();
      if (victim === undefined) throw new Error('there is no worker');
      const recovery = await measureKill({
        victim,
        survivors: workers,
        feeder,
        commitIntervalMs: COMMIT_INTERVAL_MS,
      });
      measured.push(recovery);
      note(`${name}, kill ${kill}: ${JSON.stringify(recovery)}`);
      workers.push(begin());
    }
    return measured;
  } finally {
    await feeder.close();
    await Promise.all(workers.map((worker) => worker.end('SIGKILL')));
    await kafka.admin.deleteTopics([topic, lateTopic(topic), deadLetterTopic(topic)]);
  }
}

/** Every worker has its share, and all of them have kept up for a while. */
async function untilSettled(workers: readonly Worker[], feeder: Feeder): Promise<void> {
  const deadlineMs = performance.now() + SETTLE_TIMEOUT_MS;
  let calmSinceMs: number | undefined;
  while (calmSinceMs === undefined || performance.now() - calmSinceMs < CALM_MS) {
    for (const worker of workers) worker.check();
    if (performance.now() > deadlineMs) throw new Error('the workers do not settle');
    if (!isSettled(workers, feeder)) calmSinceMs = undefined;
    else calmSinceMs ??= performance.now();
    await sleep(50);
  }
}

function isSettled(workers: readonly Worker[], feeder: Feeder): boolean {
  const shares = workers.map(({ partitions }) => partitions);
  if (shares.some((share) => share === undefined || share.length === 0)) return false;
  if (shares.flat().length !== PARTITIONS) return false;
  return workers.every(({ told, partitions = [] }) =>
    partitions.every((partition) => {
      const last = told.findLast((one) => one.kind === 'commit' && one.partition === partition);
      return (
        last?.kind === 'commit' && last.offset >= feeder.endAt(partition, last.atMs - 2 * COMMIT_INTERVAL_MS)
      );
    }),
  );
}
