/** Stream–stream joins by brute force: all events are kept for ever and every two of them are compared. */
import type { JoinBounds, StreamJoinType } from './index.ts';

export interface SideEvent {
  readonly side: 'left' | 'right';
  readonly key: string;
  readonly timeMs: number;
  /** Differs from that of any other event. */
  readonly id: number;
}

interface Seen extends SideEvent {
  hasPartner: boolean;
  isToldAlone: boolean;
}

export interface Row {
  readonly key: string;
  readonly left: number | undefined;
  readonly right: number | undefined;
  readonly eventTimeMs: number;
}

export interface Expected {
  readonly rows: Row[];
  /** Ids of late events. */
  readonly late: number[];
}

/** Every pair and every event without one: what a join gives where nothing comes too late. */
export function expectAllPairs(
  events: readonly SideEvent[],
  { type, beforeMs, afterMs }: JoinBounds & { readonly type: StreamJoinType },
): Row[] {
  const lefts = events.filter(({ side }) => side === 'left');
  const rights = events.filter(({ side }) => side === 'right');
  const pairs = lefts.flatMap((l) =>
    rights
      .filter((r) => r.key === l.key && l.timeMs - beforeMs <= r.timeMs && r.timeMs <= l.timeMs + afterMs)
      .map((r) => rowOf(l, r)),
  );
  const leftIds = new Set(pairs.map(({ left }) => left));
  const rightIds = new Set(pairs.map(({ right }) => right));
  return [
    ...pairs,
    ...(type === 'inner' ? [] : lefts.filter(({ id }) => !leftIds.has(id)).map((l) => rowOf(l, undefined))),
    ...(type === 'outer' ? rights.filter(({ id }) => !rightIds.has(id)).map((r) => rowOf(undefined, r)) : []),
  ];
}

/** What a join gives by the rules of closing and lateness, event by event. */
export class StreamJoinOracle {
  readonly expected: Expected = { rows: [], late: [] };
  readonly #bounds: JoinBounds & { readonly type: StreamJoinType };
  readonly #seen: Seen[] = [];
  #watermarkMs = Number.NEGATIVE_INFINITY;

  constructor(bounds: JoinBounds & { readonly type: StreamJoinType }) {
    this.#bounds = bounds;
  }

  add(event: SideEvent): void {
    if (this.#isClosed(event)) {
      this.expected.late.push(event.id);
      if (this.#canBeAlone(event))
        this.expected.rows.push(event.side === 'left' ? rowOf(event, undefined) : rowOf(undefined, event));
      return;
    }
    const added: Seen = { ...event, hasPartner: false, isToldAlone: false };
    for (const other of this.#seen) {
      const left = event.side === 'left' ? added : other;
      const right = event.side === 'left' ? other : added;
      if (other.side === event.side || other.isToldAlone || !this.#meet(left, right)) continue;
      left.hasPartner = right.hasPartner = true;
      this.expected.rows.push(rowOf(left, right));
    }
    this.#seen.push(added);
  }

  advance(watermarkMs: number): void {
    this.#watermarkMs = Math.max(this.#watermarkMs, watermarkMs);
    for (const event of this.#seen) {
      if (event.hasPartner || event.isToldAlone || !this.#canBeAlone(event) || !this.#isClosed(event))
        continue;
      event.isToldAlone = true;
      this.expected.rows.push(event.side === 'left' ? rowOf(event, undefined) : rowOf(undefined, event));
    }
  }

  /** Whether an event waits to be told alone. */
  get isPending(): boolean {
    return this.#seen.some((event) => this.#canBeAlone(event) && !event.hasPartner && !event.isToldAlone);
  }

  #canBeAlone({ side }: SideEvent): boolean {
    return this.#bounds.type === 'outer' || (this.#bounds.type === 'left' && side === 'left');
  }

  #isClosed({ side, timeMs }: SideEvent): boolean {
    const { beforeMs, afterMs, graceMs } = this.#bounds;
    const reachMs = side === 'left' ? afterMs : beforeMs;
    return this.#watermarkMs > timeMs + (reachMs > 0 ? reachMs : 0) + graceMs;
  }

  #meet(left: SideEvent, right: SideEvent): boolean {
    const distanceMs = right.timeMs - left.timeMs;
    return (
      left.key === right.key && distanceMs >= -this.#bounds.beforeMs && distanceMs <= this.#bounds.afterMs
    );
  }
}

function rowOf(left: SideEvent | undefined, right: SideEvent | undefined): Row {
  const times = [left, right].flatMap((event) => (event === undefined ? [] : [event.timeMs]));
  return {
    key: (left ?? right)?.key ?? '',
    left: left?.id,
    right: right?.id,
    eventTimeMs: Math.max(...times),
  };
}
