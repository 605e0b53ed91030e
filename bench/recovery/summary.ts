import type { Recovery } from './measure-kill.ts';
import { STEPS } from './watched-kafka.ts';

/** Milliseconds of one part over many kills. */
export interface Spread {
  readonly p50: number;
  readonly p99: number;
}

export type Summary = Readonly<Record<string, Spread>>;

/** Each part by name, in the order in which they happen; the two totals first. */
export function summaryOf(measured: readonly Recovery[]): Summary {
  const parts: Record<string, (recovery: Recovery) => number> = {
    processing: ({ processingMs }) => processingMs,
    'caught up': ({ caughtUpMs }) => caughtUpMs,
    detect: ({ detectMs }) => detectMs,
    rebalance: ({ rebalanceMs }) => rebalanceMs,
    'take over': ({ takeOverMs }) => takeOverMs,
    ...Object.fromEntries(STEPS.map((step) => [step, ({ steps }: Recovery) => steps[step]])),
    'first commit': ({ firstCommitMs }) => firstCommitMs,
  };
  return Object.fromEntries(
    Object.entries(parts).map(([name, part]) => {
      const values = measured.map(part);
      return [name, { p50: percentile(values, 0.5), p99: percentile(values, 0.99) }];
    }),
  );
}

/** Nearest rank: a value that was measured. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** The table of bench/results. */
export function recoveryTable(result: {
  readonly kills: number;
  readonly recovery: Readonly<Record<string, Summary>>;
  readonly eventsPerSecond: Readonly<Record<string, number>>;
  readonly exactlyOnceRatio: number | null;
}): string {
  const names = Object.keys(Object.values(result.recovery)[0] ?? {});
  const rows = Object.entries(result.recovery).map(([way, summary]) => {
    const cells = names.map((name) => `${summary[name]?.p50 ?? 0} / ${summary[name]?.p99 ?? 0}`);
    return `| ${[way, ...cells].join(' | ')} |`;
  });
  const rates = Object.entries(result.eventsPerSecond).map(([way, rate]) => `${way} ${rate} events/s`);
  const ratio =
    result.exactlyOnceRatio === null
      ? ''
      : `; exactly once keeps ${result.exactlyOnceRatio} of at least once`;
  return [
    '# bench recovery',
    '',
    `Milliseconds from the SIGKILL of an instance, p50 / p99 over ${result.kills} kills each. Written by \`millrace bench recovery\`.`,
    '',
    `| | ${names.join(' | ')} |`,
    `| --- | ${names.map(() => '--:').join(' | ')} |`,
    ...rows,
    '',
    `Throughput of one instance: ${rates.join(', ')}${ratio}.`,
    '',
  ].join('\n');
}
