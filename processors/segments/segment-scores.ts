import { addToScore, scoreAt } from '../items/decayed-score.ts';
import { TRENDING_HALF_LIFE_MS } from '../items/items.ts';
import type { NodeContext, Push } from '../runtime/dsl/index.ts';
import type { KeyedStore } from '../runtime/state/keyed-store.ts';

/** Items of a segment that a partition names. */
const CANDIDATES = 50;
const MAX_SCORES_PER_TASK = 1_000_000;
/** After so long nothing is left of a view, and hardly anything of a purchase: 10 / 2^20. */
const SCORE_TTL_MS = 20 * TRENDING_HALF_LIFE_MS;

/** What a user of a segment did with an item, by its weight. */
export interface SegmentAct {
  readonly segment: string;
  readonly itemId: string;
  readonly weight: number;
}

/** The items of one partition that a segment wants most. */
export interface SegmentCandidates {
  readonly segment: string;
  readonly partition: number;
  /** When the scores were like that: the latest event time. */
  readonly eventTime: number;
  /** Best first. */
  readonly items: readonly { readonly itemId: string; readonly score: number }[];
}

/**
 * Decayed scores of items by segment. Says with each commit of the segments that have changed which of the partition's items
 * they want most.
 */
export function segmentScores(context: NodeContext, emit: Push<SegmentCandidates>): Push<SegmentAct> {
  const scores = context.store<number>('segment-scores', {
    maxEntries: MAX_SCORES_PER_TASK,
    ttlMs: SCORE_TTL_MS,
  });
  const contenders = new Contenders(scores);
  let latestEventTimeMs = 0;
  context.attach({
    beforeCommit: () => {
      for (const [segment, best] of contenders.takeBest()) {
        const candidates: SegmentCandidates = {
          segment,
          partition: context.partition,
          eventTime: latestEventTimeMs,
          items: best.map(([itemId, score]) => ({
            itemId,
            score: scoreAt(score, latestEventTimeMs, TRENDING_HALF_LIFE_MS),
          })),
        };
        emit(candidates, {
          key: segment,
          eventTimeMs: latestEventTimeMs,
          ingestTimeMs: context.now(),
          position: undefined,
        });
      }
    },
  });
  return ({ segment, itemId, weight }, { eventTimeMs }) => {
    latestEventTimeMs = Math.max(latestEventTimeMs, eventTimeMs);
    const key = scoreKey(segment, itemId);
    scores.set(key, addToScore(scores.get(key), weight, eventTimeMs, TRENDING_HALF_LIFE_MS));
    contenders.touched(segment, itemId);
  };
}

type Scored = readonly [itemId: string, score: number];

/**
 * Items by segment that may be among the best: the best of the last commit and those touched since. An index of the scores,
 * which copes with items that have no score any more.
 */
class Contenders {
  readonly #scores: KeyedStore<number>;
  #bySegment: Map<string, Set<string>> | undefined;
  readonly #changed = new Set<string>();

  constructor(scores: KeyedStore<number>) {
    this.#scores = scores;
  }

  touched(segment: string, itemId: string): void {
    if (this.#bySegment === undefined) {
      // After a restart every item is a contender once.
      this.#bySegment = new Map();
      for (const [key] of this.#scores.entries()) this.#add(...parseScoreKey(key));
    }
    this.#add(segment, itemId);
    this.#changed.add(segment);
  }

  /** Of each segment that has changed since the last call. */
  takeBest(): readonly (readonly [segment: string, best: readonly Scored[]])[] {
    const taken = [...this.#changed].map((segment) => [segment, this.#best(segment)] as const);
    this.#changed.clear();
    for (const [segment, best] of taken)
      this.#bySegment?.set(segment, new Set(best.map(([itemId]) => itemId)));
    return taken;
  }

  #add(segment: string, itemId: string): void {
    const items = this.#bySegment?.get(segment);
    if (items === undefined) this.#bySegment?.set(segment, new Set([itemId]));
    else items.add(itemId);
  }

  #best(segment: string): readonly Scored[] {
    return [...(this.#bySegment?.get(segment) ?? [])]
      .flatMap((itemId): Scored[] => {
        const score = this.#scores.get(scoreKey(segment, itemId));
        return score === undefined ? [] : [[itemId, score]];
      })
      .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
      .slice(0, CANDIDATES);
  }
}

/** With the length of the segment, so that it can be read in one way only. */
function scoreKey(segment: string, itemId: string): string {
  return `${segment.length}|${segment}${itemId}`;
}

function parseScoreKey(key: string): readonly [segment: string, itemId: string] {
  const bar = key.indexOf('|');
  const itemFrom = bar + 1 + Number(key.slice(0, bar));
  return [key.slice(bar + 1, itemFrom), key.slice(itemFrom)];
}
