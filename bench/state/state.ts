import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openKafka } from '../../platform/kafka/index.ts';
import { createLogger } from '../../platform/log.ts';
import { PACKAGE_ROOT } from '../../schemas/package-root.ts';
import { writeReport } from '../report.ts';
import { median } from '../rounds.ts';
import { fillChangelog } from './changelog.ts';
import type { Job, Measured } from './measure.ts';

export interface StateBenchOptions {
  /** A real broker beside the embedded log; none where empty. */
  readonly brokers: readonly string[];
  readonly keys: number;
  readonly limitMb: number;
  readonly rounds: number;
  readonly note: (line: string) => void;
}

/** Medians of the rounds of one contestant on one log. */
export interface StateFigures {
  readonly log: string;
  readonly contestant: string;
  readonly seconds: number;
  readonly keysPerSecond: number;
  readonly bytesPerKey: number;
  readonly rssMb: number;
  readonly peakRssMb: number;
  readonly spilled: number;
  readonly allSeconds: readonly number[];
}

const MIB = 1024 * 1024;

/** Runs the benchmark of bench/state/README.md. */
export async function benchState(options: StateBenchOptions) {
  const { brokers, keys, limitMb, rounds } = options;
  const dir = await mkdtemp(join(tmpdir(), 'millrace-bench-state-'));
  try {
    const figures = [...(await benchLog('embedded', [], dir, options))];
    if (brokers.length > 0) figures.push(...(await benchLog('kafka', brokers, dir, options)));
    const result = { keys, limitMb, rounds, figures, ratios: ratiosOf(figures) };
    await writeReport('state', {}, result);
    await writeFile(join(PACKAGE_ROOT, 'bench', 'results', 'state.md'), tableOf(result));
    return result;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function benchLog(
  log: string,
  brokers: readonly string[],
  dataDir: string,
  { keys, limitMb, rounds, note }: StateBenchOptions,
): Promise<readonly StateFigures[]> {
  const topic = `bench-state-${Date.now().toString(36)}`;
  const open = () =>
    openKafka({
      ...{ config: { brokers }, dataDir, clientId: 'bench-state' },
      log: createLogger('warn', 'bench'),
    });
  const kafka = await open();
  note(`${log}: writing a changelog of ${keys} keys`);
  await fillChangelog(kafka, topic, keys);
  await kafka.close();
  const job = { brokers, dataDir, topic, keys };
  const contestants: Readonly<Record<string, Job>> = {
    'read the changelog': { ...job, subject: 'read' },
    'Map<string, string>': { ...job, subject: 'map' },
    state: { ...job, subject: 'state' },
    [`state, ${limitMb} MB`]: { ...job, subject: 'state', limitMb },
  };
  const rows = new Map<string, Measured[]>(Object.keys(contestants).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    const names = Object.keys(contestants);
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const measured = await measureApart(contestants[name] as Job);
      if (measured.entries !== keys) throw new Error(`${name} has ${measured.entries} of ${keys} keys`);
      // The first round warms the page cache.
      if (round > 0) rows.get(name)?.push(measured);
      note(`${log}, round ${round}: ${name} ${measured.seconds.toFixed(2)} s`);
    }
  }
  if (brokers.length > 0) {
    const cleaning = await open();
    await cleaning.admin.deleteTopics([topic]);
    await cleaning.close();
  }
  return [...rows].map(([contestant, all]) => figuresOf(log, contestant, all, keys));
}

async function measureApart(job: Job): Promise<Measured> {
  const here = fileURLToPath(import.meta.url);
  const child = fork(join(here, '..', `measure${extname(here)}`), {
    execArgv: [...process.execArgv, '--expose-gc'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const answer = once(child, 'message') as Promise<[Measured]>;
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`a measurement ended with ${String(code)}`);
  });
  child.send(job);
  const [measured] = await Promise.race([answer, ended]);
  await ended.catch(() => undefined); // it has said what it had to say
  return measured;
}

function figuresOf(log: string, contestant: string, all: readonly Measured[], keys: number): StateFigures {
  const of = (field: keyof Measured) => median(all.map((one) => one[field]));
  const seconds = of('seconds');
  return {
    ...{ log, contestant, seconds: rounded(seconds), keysPerSecond: Math.round(keys / seconds) },
    bytesPerKey: Math.round(of('heapBytes') / keys),
    rssMb: Math.round(of('rssBytes') / MIB),
    peakRssMb: Math.round(of('peakRssBytes') / MIB),
    spilled: Math.round(of('spilled')),
    allSeconds: all.map((one) => rounded(one.seconds)),
  };
}

function ratiosOf(figures: readonly StateFigures[]) {
  return Object.fromEntries(
    [...new Set(figures.map(({ log }) => log))].map((log) => {
      const [read, map, state, bounded] = figures.filter((one) => one.log === log);
      const ratio = (a: number | undefined, b: number | undefined) => rounded((a ?? 0) / (b ?? 1));
      return [
        log,
        {
          restoreToRead: ratio(state?.seconds, read?.seconds),
          restoreToMap: ratio(state?.seconds, map?.seconds),
          boundedToUnbounded: ratio(bounded?.seconds, state?.seconds),
          heapToMap: ratio(state?.bytesPerKey, map?.bytesPerKey),
        },
      ] as const;
    }),
  );
}

function tableOf({
  keys,
  figures,
}: {
  readonly keys: number;
  readonly figures: readonly StateFigures[];
}): string {
  const head = [
    'log',
    'contestant',
    'seconds',
    'keys/s',
    'heap bytes a key',
    'RSS, MB',
    'peak RSS, MB',
    'on disk',
  ];
  const rows = figures.map((one) => [
    ...[one.log, one.contestant, one.seconds, one.keysPerSecond, one.bytesPerKey],
    ...[one.rssMb, one.peakRssMb, one.spilled],
  ]);
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  const rule = line(head.map((_, column) => (column < 2 ? '---' : '--:')));
  const title = `# bench state\n\n${keys} keys in one task; medians. Written by \`millrace bench state\`.\n`;
  return `${[title, line(head), rule, ...rows.map(line)].join('\n')}\n`;
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}
