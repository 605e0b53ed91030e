import { setTimeout as sleep } from 'node:timers/promises';
import type { Feeder } from './feeder.ts';
import { STEPS, type Step, type Told } from './watched-kafka.ts';
import type { Worker } from './worker.ts';

/** Milliseconds from the kill on, over all tasks of the victim: of each part the slowest task. */
export interface Recovery {
  /** Until the last of its tasks has committed something new elsewhere. */
  readonly processingMs: number;
  /** Until the last of them has committed all that had come until just before. */
  readonly caughtUpMs: number;
  /** Until a survivor learns of it: session time-out and a heartbeat. */
  readonly detectMs: number;
  /** From there until it has the partitions: what it read is committed, and all members join. */
  readonly rebalanceMs: number;
  /** The steps of a task that is taken over. */
  readonly steps: Readonly<Record<Step, number>>;
  /** From the partitions until it reads; the steps of all tasks run beside each other. */
  readonly takeOverMs: number;
  /** From there to the first commit with something new. */
  readonly firstCommitMs: number;
}

const LOOK_MS = 10;
const TIMEOUT_MS = 120_000;

interface Kill {
  readonly victim: Worker;
  readonly survivors: readonly Worker[];
  readonly feeder: Feeder;
  readonly commitIntervalMs: number;
}

/** Kills a worker and waits until its tasks are caught up elsewhere. */
export async function measureKill(kill: Kill): Promise<Recovery> {
  const { victim, survivors } = kill;
  const partitions = victim.partitions ?? [];
  const atMs = Date.now();
  await victim.end('SIGKILL');
  const deadlineMs = performance.now() + TIMEOUT_MS;
  for (;;) {
    for (const survivor of survivors) survivor.check();
    const since = survivors.map(({ told }) => told.filter((one) => timeOf(one) >= atMs));
    const recovery = recoveryOf(since, { ...kill, partitions, atMs });
    if (recovery !== undefined) return recovery;
    if (performance.now() > deadlineMs) throw new Error('the tasks of a killed worker were not taken over');
    await sleep(LOOK_MS);
  }
}

function timeOf(told: Told): number {
  return told.kind === 'step' ? told.fromMs : told.atMs;
}

interface Since extends Kill {
  readonly partitions: readonly number[];
  readonly atMs: number;
}

/** What the survivors have told since the kill; undefined while something is still to come. */
function recoveryOf(told: readonly (readonly Told[])[], since: Since): Recovery | undefined {
  const { partitions, atMs } = since;
  const all = told.flat();
  const first: number[] = [];
  const caughtUp: number[] = [];
  for (const partition of partitions) {
    const commits = all.flatMap((one) => (one.kind === 'commit' && one.partition === partition ? [one] : []));
    const caught = commits.find((one) => isCaughtUp(one, since));
    if (commits[0] === undefined || caught === undefined) return undefined;
    first.push(commits[0].atMs);
    caughtUp.push(caught.atMs);
  }
  const revokedMs = Math.min(...timesOf(all, 'revoked'));
  const assignedMs = Math.max(...timesOf(all, 'assigned'));
  const readyMs = Math.max(...timesOf(all, 'ready'));
  return {
    processingMs: Math.max(...first) - atMs,
    caughtUpMs: Math.max(...caughtUp) - atMs,
    detectMs: revokedMs - atMs,
    rebalanceMs: assignedMs - revokedMs,
    steps: Object.fromEntries(STEPS.map((step) => [step, slowest(all, step)])) as Record<Step, number>,
    takeOverMs: readyMs - assignedMs,
    firstCommitMs: Math.max(...first) - readyMs,
  };
}

/** Everything is in the commit that had been acknowledged when its records were taken, at the latest two intervals ago. */
function isCaughtUp(
  commit: Told & { readonly kind: 'commit' },
  { feeder, commitIntervalMs }: Since,
): boolean {
  return commit.offset >= feeder.endAt(commit.partition, commit.atMs - 2 * commitIntervalMs);
}

function timesOf(all: readonly Told[], kind: 'revoked' | 'assigned' | 'ready'): readonly number[] {
  return all.flatMap((one) => (one.kind === kind ? [one.atMs] : []));
}

function slowest(all: readonly Told[], step: Step): number {
  return Math.max(
    0,
    ...all.flatMap((one) => (one.kind === 'step' && one.step === step ? [one.toMs - one.fromMs] : [])),
  );
}
