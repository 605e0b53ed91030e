import { createRandom } from '../../../platform/random.ts';

/** What can go wrong on purpose. */
export const FAULT_KINDS = [
  'processor-kill',
  'processor-stop',
  'processor-freeze',
  'processor-cut',
  'processor-join',
  'broker-kill',
  'broker-stop',
  'redis-kill',
  'redis-cut',
  'clickhouse-kill',
  'clickhouse-cut',
  'producer-kill',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface PlannedFault {
  /** After the start of the faults. */
  readonly atMs: number;
  readonly kind: FaultKind;
  /** In [0, 1): chooses the victim among those that are there then. */
  readonly pick: number;
  /** How long it lasts: until the restart, the end of the cut, the leaving. */
  readonly forMs: number;
}

/** Faults of one thing, one after the other; lanes overlap. */
interface Lane {
  readonly kinds: readonly FaultKind[];
  /** From the end of one fault to the beginning of the next. */
  readonly gapMs: readonly [least: number, most: number];
  readonly forMs: readonly [least: number, most: number];
}

export interface PlanOptions {
  readonly seconds: number;
  readonly seed: number;
  /** Of the processors' group: some pauses and cuts are longer. */
  readonly sessionTimeoutMs: number;
}

function lanesOf(sessionMs: number): readonly Lane[] {
  return [
    { kinds: ['processor-kill'], gapMs: [3000, 7000], forMs: [0, 1500] },
    { kinds: ['processor-stop'], gapMs: [12_000, 25_000], forMs: [0, 1000] },
    // Always longer than the session: what comes back is a zombie whose tasks others own.
    { kinds: ['processor-freeze'], gapMs: [12_000, 25_000], forMs: [sessionMs + 1000, sessionMs + 5000] },
    { kinds: ['processor-cut'], gapMs: [8000, 18_000], forMs: [500, sessionMs + 4000] },
    { kinds: ['processor-join'], gapMs: [12_000, 25_000], forMs: [6000, 15_000] },
    // One broker at a time: with two of three away nothing could be acknowledged.
    { kinds: ['broker-kill', 'broker-stop'], gapMs: [12_000, 22_000], forMs: [0, 3000] },
    { kinds: ['redis-kill', 'redis-cut'], gapMs: [10_000, 20_000], forMs: [500, 5000] },
    { kinds: ['clickhouse-kill', 'clickhouse-cut'], gapMs: [10_000, 20_000], forMs: [500, 5000] },
    { kinds: ['producer-kill'], gapMs: [10_000, 20_000], forMs: [0, 1000] },
  ];
}

/**
 * Which faults happen when: a pure function of its options. Each lane begins within the first half, so that the shortest
 * run has a fault of each; the kinds of a lane take turns.
 */
export function planFaults({ seconds, seed, sessionTimeoutMs }: PlanOptions): readonly PlannedFault[] {
  const endMs = seconds * 1000;
  const faults = lanesOf(sessionTimeoutMs).flatMap(({ kinds, gapMs, forMs }) => {
    const random = createRandom(seed, 'faults', kinds.join());
    const first = random.int(kinds.length);
    const lane: PlannedFault[] = [];
    let atMs = random.between(0, Math.min(gapMs[1], endMs / 2));
    for (let n = 0; atMs < endMs; n++) {
      const kind = kinds[(first + n) % kinds.length] ?? 'processor-kill';
      const lastsMs = Math.round(random.between(...forMs));
      lane.push({ atMs: Math.round(atMs), kind, pick: random.next(), forMs: lastsMs });
      atMs += lastsMs + random.between(...gapMs);
    }
    return lane;
  });
  return faults.sort((a, b) => a.atMs - b.atMs);
}
