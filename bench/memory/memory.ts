import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MEMORY_BUDGET_MB, type BudgetedProcess } from '../../cli/memory-budget.ts';
import { freePort } from '../../test/harness/free-port.ts';
import { runMillrace } from '../../test/harness/millrace-process.ts';
import { spawnClickHouse } from '../../test/harness/spawn-clickhouse.ts';
import { waitUntil } from '../../test/harness/wait-until.ts';
import { writeReport } from '../report.ts';

const KEY = 'a-key-of-this-benchmark';
const STAGES = ['ingest', 'processors', 'serving'] as const;
const READERS = 8;
const KIB_OF_MIB = 1024;

export interface MemoryBenchOptions {
  readonly brokers: readonly string[];
  readonly redisUrl: string;
  readonly seconds: number;
  readonly ratePerSecond: number;
  readonly note: (line: string) => void;
}

/** MiB of resident memory: the most that the kernel saw, against the budget. */
export interface MemoryUse {
  readonly budgetMb: number;
  readonly peakMb: number;
}

export type MemoryBenchResult = Readonly<Record<BudgetedProcess, MemoryUse>> & { readonly within: boolean };

/** Runs the benchmark of bench/memory/README.md. */
export async function benchMemory(options: MemoryBenchOptions): Promise<MemoryBenchResult> {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  try {
    const peaks = { ...(await separateProcesses(dir, options)), demo: await oneProcess(dir, options) };
    const uses = Object.fromEntries(
      Object.entries(peaks).map(([name, peakMb]) => [
        name,
        { budgetMb: MEMORY_BUDGET_MB[name as BudgetedProcess], peakMb },
      ]),
    ) as Record<BudgetedProcess, MemoryUse>;
    const within = Object.values(uses).every(({ budgetMb, peakMb }) => peakMb <= budgetMb);
    const result = { ...uses, within };
    const { seconds, ratePerSecond } = options;
    await writeReport('memory', {}, { seconds, ratePerSecond, result });
    return result;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Each stage alone, on real servers, with a simulated shop and readers of recommendations. */
async function separateProcesses(dir: string, options: MemoryBenchOptions) {
  const { note } = options;
  const clickhouse = await spawnClickHouse({ dataDir: join(dir, 'server') });
  const ports = { ingest: await freePort(), processors: await freePort(), serving: await freePort() };
  const env = {
    MR_DATA_DIR: join(dir, 'data'),
    MR_NAMESPACE: `memory-${Date.now().toString(36)}`,
    MR_KAFKA_BROKERS: options.brokers.join(','),
    MR_REDIS_URL: options.redisUrl,
    MR_CLICKHOUSE_URL: clickhouse.url,
    MR_CLICKHOUSE_USER: clickhouse.user,
    MR_CLICKHOUSE_PASSWORD: clickhouse.password,
    MR_INGEST_KEYS: KEY,
    MR_INGEST_PORT: String(ports.ingest),
    MR_PROCESSORS_PORT: String(ports.processors),
    MR_SERVING_PORT: String(ports.serving),
  };
  const processes = new Map<string, ChildProcess>();
  try {
    for (const stage of STAGES) {
      note(`starting ${stage}`);
      processes.set(stage, run(['start', stage], env));
      await untilReady(ports[stage]);
    }
    note(`${options.ratePerSecond} events/s for ${options.seconds} s`);
    const url = `http://127.0.0.1:${ports.ingest}`;
    const { seconds, ratePerSecond } = options;
    const traffic = run(
      ['simulate', '--to', url, '--rate', String(ratePerSecond), '--seconds', String(seconds)],
      { MR_INGEST_KEYS: KEY, MR_DATA_DIR: join(dir, 'simulator') },
    );
    const ended = once(traffic, 'close');
    const readers = readRecommendations(`http://127.0.0.1:${ports.serving}`, ended);
    const [code] = (await ended) as [number | null];
    if (code !== 0) throw new Error(`the simulator ended with ${code}`);
    note(`${await readers} answers of serving`);
    const peak = (name: string) => peakMb(processes.get(name)?.pid);
    return {
      ingest: peak('ingest'),
      processors: peak('processors'),
      serving: peak('serving'),
      clickhouse: peakMb(clickhouse.pid),
    };
  } finally {
    await Promise.all([...processes.values()].map(end));
    await clickhouse.stop();
  }
}

/** Everything in one process on the embedded engines. */
async function oneProcess(
  dir: string,
  { seconds, ratePerSecond, note }: MemoryBenchOptions,
): Promise<number> {
  note(`the demo, ${ratePerSecond} events/s for ${seconds} s`);
  const [serving, ingest, processors] = [await freePort(), await freePort(), await freePort()];
  const demo = run(['demo', '--seconds', String(seconds), '--rate', String(ratePerSecond)], {
    MR_DATA_DIR: join(dir, 'demo'),
    MR_SERVING_PORT: String(serving),
    MR_INGEST_PORT: String(ingest),
    MR_PROCESSORS_PORT: String(processors),
  });
  let peak = 0;
  while (demo.exitCode === null && demo.signalCode === null) {
    peak = Math.max(peak, peakMb(demo.pid));
    await sleep(500);
  }
  if (demo.exitCode !== 0) throw new Error(`the demo ended with ${demo.exitCode}`);
  return peak;
}

function run(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  return runMillrace(args, { UV_THREADPOOL_SIZE: '8', ...env }).child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  await closed;
}

function untilReady(port: number): Promise<true> {
  const isReady = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
    return answer?.status === 200 ? (true as const) : false;
  };
  return waitUntil(isReady, { what: `port ${port}`, timeoutMs: 60_000, intervalMs: 100 });
}

/** Some readers who ask for the recommendations of devices, one after the other, until the traffic has ended. */
async function readRecommendations(url: string, until: Promise<unknown>): Promise<number> {
  let running = true;
  let answers = 0;
  void until.then(() => (running = false));
  const reader = async (id: number) => {
    for (let i = 0; running; i++) {
      const answer = await fetch(`${url}/v1/recommendations?anonymousId=device-${id}-${i % 1000}&limit=10`);
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`serving answered ${answer.status}`);
      answers++;
      await sleep(20);
    }
  };
  await Promise.all(Array.from({ length: READERS }, (_, id) => reader(id)));
  return answers;
}

/** VmHWM of /proc/<pid>/status; 0 where the process has ended. */
function peakMb(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid ?? 0}/status`, 'utf8');
    return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / KIB_OF_MIB);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0;
    throw error;
  }
}
