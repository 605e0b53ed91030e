import { OK, type StepResult } from '../step-result.ts';
import type { StatefulPart } from '../stateful-part.ts';
import type { TaskContext } from '../topology.ts';
import { checkBounds, leftBounds, rightBounds, type JoinBounds, type SideBounds } from './join-bounds.ts';
import { JoinSide } from './join-side.ts';

/** Which events are told without a partner: none, lefts, or those of both sides. */
export type StreamJoinType = 'inner' | 'left' | 'outer';

export interface StreamJoinResult<L, R> {
  readonly key: string;
  readonly left: L;
  readonly right: R;
  /** The later of both; of an event alone its own. */
  readonly eventTimeMs: number;
}

export interface StreamJoinOptions<Type extends StreamJoinType, L, R> extends JoinBounds {
  /** Names the state; unique in the sub-topology. */
  readonly name: string;
  readonly type: Type;
  readonly onResult: (result: StreamJoinResult<L, R>) => void;
}

/** Takes the events of both sides; values must survive JSON. */
export interface StreamJoin<L, R> {
  left(key: string, value: L, eventTimeMs: number): StepResult;
  right(key: string, value: R, eventTimeMs: number): StepResult;
}

/* eslint-disable @typescript-eslint/unified-signatures -- one signature would not type the results by `type` */
/**
 * Interval join of two streams: a left at t and a right at r of the same key meet where
 * t - beforeMs <= r <= t + afterMs. Each pair is told once, when the second of the two comes; what an event meets is told
 * by event time.
 *
 * The interval of a left at t is closed once the watermark is beyond t + max(afterMs, 0) + graceMs, that of a right at r
 * beyond r + max(beforeMs, 0) + graceMs. At that moment `left` and `outer` joins tell a left, `outer` joins also a right,
 * that has met nothing: alone, for good, so that it joins nothing any more. An event that comes when its own interval is
 * closed is late: the result says so with the interval as the window, and it joins nothing; where its side is told
 * alone, it is told alone at once (`corrected`), so that a left join loses no left. Other than in Kafka Streams nothing
 * is told alone and joined afterwards.
 *
 * Of events that are not late, no pair is missed, except with one that was told alone before: that takes an event more
 * than graceMs behind the watermark, and a graceMs that covers the disorder rules it out. An event stays in the state
 * until no partner can come that would not be late: afterMs + beforeMs + graceMs for bounds that are not negative.
 *
 * Adding is O(log n + m) for n buffered events of the key and m partners, expiry O(1) amortised.
 *
 * @throws RangeError where bounds are no whole numbers, the grace is negative or the interval is empty
 */
export function joinStreams<L, R>(
  context: TaskContext,
  options: StreamJoinOptions<'inner', L, R>,
): StreamJoin<L, R>;
export function joinStreams<L, R>(
  context: TaskContext,
  options: StreamJoinOptions<'left', L, R | undefined>,
): StreamJoin<L, R>;
export function joinStreams<L, R>(
  context: TaskContext,
  options: StreamJoinOptions<StreamJoinType, L | undefined, R | undefined>,
): StreamJoin<L, R>;
/* eslint-enable @typescript-eslint/unified-signatures */
export function joinStreams<L, R>(
  context: TaskContext,
  options: StreamJoinOptions<StreamJoinType, L | undefined, R | undefined>,
): StreamJoin<L, R> {
  const { name, type, onResult } = options;
  checkBounds(`join ${name}`, options);
  const left = newSide<L>(context, options, {
    name: `${name}-left`,
    bounds: leftBounds(options),
    isToldAlone: type !== 'inner',
  });
  const right = newSide<R>(context, options, {
    name: `${name}-right`,
    bounds: rightBounds(options),
    isToldAlone: type === 'outer',
  });
  const time = { watermarkMs: Number.NEGATIVE_INFINITY };
  context.attach(timePart(time, { left, right, onResult }));
  return {
    left: (key, value, eventTimeMs) =>
      addEvent(
        { key, value, eventTimeMs, watermarkMs: time.watermarkMs },
        { own: left, other: right },
        {
          pair: (partner, partnerMs) =>
            onResult({ key, left: value, right: partner, eventTimeMs: Math.max(eventTimeMs, partnerMs) }),
          alone: () => onResult({ key, left: value, right: undefined, eventTimeMs }),
        },
      ),
    right: (key, value, eventTimeMs) =>
      addEvent(
        { key, value, eventTimeMs, watermarkMs: time.watermarkMs },
        { own: right, other: left },
        {
          pair: (partner, partnerMs) =>
            onResult({ key, left: partner, right: value, eventTimeMs: Math.max(eventTimeMs, partnerMs) }),
          alone: () => onResult({ key, left: undefined, right: value, eventTimeMs }),
        },
      ),
  };
}

interface Sides<L, R> {
  readonly left: JoinSide<L>;
  readonly right: JoinSide<R>;
  readonly onResult: StreamJoinOptions<StreamJoinType, L | undefined, R | undefined>['onResult'];
}

function newSide<V>(
  context: TaskContext,
  {
    type,
    beforeMs,
    afterMs,
  }: { readonly type: StreamJoinType; readonly beforeMs: number; readonly afterMs: number },
  side: { readonly name: string; readonly bounds: SideBounds; readonly isToldAlone: boolean },
): JoinSide<V> {
  // A grace may change: it says how long records are kept and not what they mean.
  const layout = `stream-join(${type},before=${beforeMs},after=${afterMs})`;
  return new JoinSide<V>({
    bounds: side.bounds,
    records: context.store<V>(side.name, { layout }),
    alone: side.isToldAlone ? context.store<1>(`${side.name}-alone`, { layout }) : undefined,
  });
}

/** Follows the watermark by itself: what other parts say while it moves has happened before. */
function timePart<L, R>(time: { watermarkMs: number }, { left, right, onResult }: Sides<L, R>): StatefulPart {
  return {
    rebuild: (watermarkMs) => {
      time.watermarkMs = watermarkMs;
      left.rebuild();
      right.rebuild();
    },
    advance: (watermarkMs) => {
      time.watermarkMs = Math.max(time.watermarkMs, watermarkMs);
      left.tellAlone(time.watermarkMs, (key, value, eventTimeMs) =>
        onResult({ key, left: value, right: undefined, eventTimeMs }),
      );
      right.tellAlone(time.watermarkMs, (key, value, eventTimeMs) =>
        onResult({ key, left: undefined, right: value, eventTimeMs }),
      );
      left.expire(time.watermarkMs);
      right.expire(time.watermarkMs);
    },
    get isPending() {
      return left.isPending || right.isPending;
    },
  };
}

function addEvent<V, W>(
  event: {
    readonly key: string;
    readonly value: V;
    readonly eventTimeMs: number;
    readonly watermarkMs: number;
  },
  { own, other }: { readonly own: JoinSide<V>; readonly other: JoinSide<W> },
  onResult: {
    readonly pair: (partner: W, partnerMs: number) => void;
    readonly alone: () => void;
  },
): StepResult {
  const { key, value, eventTimeMs, watermarkMs } = event;
  const windowStartMs = eventTimeMs - own.bounds.beforeMs;
  const windowEndMs = eventTimeMs + own.bounds.afterMs;
  if (own.isClosed(eventTimeMs, watermarkMs)) {
    if (!own.isToldAlone) return { kind: 'late', windowStartMs, windowEndMs };
    onResult.alone();
    return { kind: 'late', windowStartMs, windowEndMs, corrected: true };
  }
  const record = own.add(key, eventTimeMs, value);
  if (!other.meet(key, windowStartMs, windowEndMs, onResult.pair)) own.markAlone(record);
  return OK;
}
