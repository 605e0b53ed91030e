/** What can go wrong in a simulation, drawn from a seed as a list that can be read, repeated and made shorter. */
import type { Random } from '../../../platform/random.ts';

export type Fault = { readonly atMs: number } & (
  | { readonly kind: 'kill'; readonly instance: number; readonly awayMs: number }
  | { readonly kind: 'stop'; readonly instance: number; readonly awayMs: number }
  | { readonly kind: 'stand-still'; readonly instance: number; readonly forMs: number }
  | { readonly kind: 'clock-jump'; readonly instance: number; readonly byMs: number }
  | { readonly kind: 'broker-stop'; readonly node: number; readonly awayMs: number }
  | { readonly kind: 'leader-move'; readonly which: number }
  | { readonly kind: 'coordinator-move'; readonly which: number }
  | { readonly kind: 'rebalance' }
  | { readonly kind: 'request-lost'; readonly api: string }
  | { readonly kind: 'request-unanswered'; readonly api: string }
  | { readonly kind: 'request-delayed'; readonly api: string; readonly delayMs: number }
  | { readonly kind: 'tables-away'; readonly forMs: number }
  | { readonly kind: 'tables-slow'; readonly forMs: number }
  | { readonly kind: 'tables-unanswered' }
  | { readonly kind: 'online-away'; readonly forMs: number }
  | { readonly kind: 'online-slow'; readonly forMs: number }
  | { readonly kind: 'online-unanswered' }
);

export type FaultKind = Fault['kind'];

/** How likely each kind is, relative to the others; a kind that is absent does not happen. */
export type FaultWeights = Readonly<Partial<Record<FaultKind, number>>>;

export const ALL_FAULTS: FaultWeights = {
  kill: 8,
  stop: 2,
  'stand-still': 3,
  'clock-jump': 1,
  'broker-stop': 2,
  'leader-move': 2,
  'coordinator-move': 2,
  rebalance: 2,
  'request-lost': 4,
  'request-unanswered': 5,
  'request-delayed': 4,
  'tables-away': 1,
  'tables-slow': 1,
  'tables-unanswered': 2,
  'online-away': 1,
  'online-slow': 1,
  'online-unanswered': 2,
};

export interface FaultOptions {
  readonly weights: FaultWeights;
  /** Faults of one run. */
  readonly count: { readonly min: number; readonly max: number };
  /** They begin within so many milliseconds. */
  readonly withinMs: number;
  readonly instances: number;
  readonly brokers: number;
}

/** Stands for whichever request comes next. */
export const ANY_REQUEST = 'any';

/** Requests of Kafka's protocol whose loss is most telling. */
const TELLING = [
  'Produce',
  'EndTxn',
  'TxnOffsetCommit',
  'AddPartitionsToTxn',
  'AddOffsetsToTxn',
  'InitProducerId',
  'OffsetFetch',
  'JoinGroup',
  'SyncGroup',
  ANY_REQUEST,
];

/** The faults of a seed, in the order of their times. */
export function drawFaults(random: Random, options: FaultOptions): readonly Fault[] {
  const kinds = Object.entries(options.weights) as [FaultKind, number][];
  const total = kinds.reduce((sum, [, weight]) => sum + weight, 0);
  if (total <= 0) return [];
  const { min, max } = options.count;
  const faults = Array.from({ length: min + random.int(max - min + 1) }, () => {
    let point = random.next() * total;
    const kind = kinds.find(([, weight]) => (point -= weight) < 0)?.[0] ?? 'kill';
    return drawFault(kind, random, options);
  });
  return faults.sort((a, b) => a.atMs - b.atMs);
}

function drawFault(kind: FaultKind, random: Random, options: FaultOptions): Fault {
  const atMs = Math.round(random.next() * options.withinMs);
  const instance = random.int(options.instances);
  const awayMs = Math.round(random.between(50, 1500));
  const api = random.pick(TELLING);
  switch (kind) {
    case 'kill':
    case 'stop':
      return { kind, atMs, instance, awayMs };
    case 'stand-still':
      // Often longer than a session: the process comes back as a zombie.
      return { kind, atMs, instance, forMs: Math.round(random.between(200, 6000)) };
    case 'clock-jump':
      return { kind, atMs, instance, byMs: Math.round(random.between(-60_000, 60_000)) };
    case 'broker-stop':
      return {
        kind,
        atMs,
        node: 1 + random.int(options.brokers),
        awayMs: Math.round(random.between(100, 3000)),
      };
    case 'leader-move':
    case 'coordinator-move':
      return { kind, atMs, which: random.int(1_000_000) };
    case 'request-lost':
    case 'request-unanswered':
      return { kind, atMs, api };
    case 'request-delayed':
      return { kind, atMs, api, delayMs: Math.round(random.between(1, 8000)) };
    case 'tables-away':
    case 'tables-slow':
    case 'online-away':
    case 'online-slow':
      return { kind, atMs, forMs: Math.round(random.between(50, 2500)) };
    case 'rebalance':
    case 'tables-unanswered':
    case 'online-unanswered':
      return { kind, atMs };
  }
}

/** One line about a fault. */
export function describeFault({ atMs, kind, ...what }: Fault): string {
  const details = Object.entries(what).map(([name, value]) => `${name} ${value}`);
  return `${String(atMs).padStart(6)} ms  ${[kind, ...details].join(', ')}`;
}
