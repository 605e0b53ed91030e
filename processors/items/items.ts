/** Sub-topology `items`, keyed by item: who is visited with whom, and which items are wanted most. */
import { neighboursKey, TTL_MS } from '../../schemas/keys.ts';
import { INTERNAL_TOPICS } from '../../schemas/topics.ts';
import { internalEnvelope } from '../internal-event.ts';
import type { KeyedStore } from '../runtime/state/keyed-store.ts';
import { DROP, OK, type StepResult } from '../runtime/step-result.ts';
import type { InputRecord, Processor, Subtopology, TaskContext } from '../runtime/topology.ts';
import type { ItemActivity } from '../../schemas/generated/events.ts';
import { addToScore, scoreAt } from './decayed-score.ts';
import { addNeighbours, neighboursValue, noNeighbours, type ItemNeighbours } from './neighbours.ts';

const MAX_ITEMS_PER_TASK = 1_000_000;
const CANDIDATES = 100;
/** A purchase says more than a cart, a cart more than a view. */
const WEIGHT = { view: 1, cart: 3, purchase: 10 } as const;
/** Half-life of demand. */
export const TRENDING_HALF_LIFE_MS = 30 * 60_000;

class ItemsProcessor implements Processor {
  readonly #context: TaskContext;
  readonly #neighbours: KeyedStore<ItemNeighbours>;
  readonly #scores: KeyedStore<number>;
  /** Items that may be among the best: the best of the last commit and those touched since. */
  #contenders: Set<string> | undefined;
  #latestEventTimeMs = 0;

  constructor(context: TaskContext) {
    this.#context = context;
    this.#neighbours = context.store<ItemNeighbours>('neighbours', { maxEntries: MAX_ITEMS_PER_TASK });
    this.#scores = context.store<number>('scores', { maxEntries: MAX_ITEMS_PER_TASK });
  }

  process({ event }: InputRecord): StepResult {
    if (event.type !== 'ItemActivity') return DROP;
    this.#score(event);
    if (event.neighbours.length > 0) this.#connect(event);
    this.#latestEventTimeMs = Math.max(this.#latestEventTimeMs, event.eventTime);
    return OK;
  }

  beforeCommit(): void {
    if (this.#contenders === undefined) return;
    const best = [...this.#contenders]
      .map((itemId) => [itemId, this.#scores.get(itemId) ?? Number.NEGATIVE_INFINITY] as const)
      .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
      .slice(0, CANDIDATES);
    this.#contenders = new Set(best.map(([itemId]) => itemId));
    const asOfMs = this.#latestEventTimeMs;
    this.#context.outputs.produce(INTERNAL_TOPICS.trendingCandidates.name, 'all', {
      type: 'TrendingCandidates',
      ...internalEnvelope(this.#context, { eventTime: asOfMs, traceparent: null }),
      partition: this.#context.partition,
      items: best.map(([itemId, score]) => ({
        itemId,
        score: scoreAt(score, asOfMs, TRENDING_HALF_LIFE_MS),
      })),
    });
  }

  #score(event: ItemActivity): void {
    const weight = event.views * WEIGHT.view + event.carts * WEIGHT.cart + event.purchases * WEIGHT.purchase;
    if (weight <= 0) return;
    const score = addToScore(this.#scores.get(event.itemId), weight, event.eventTime, TRENDING_HALF_LIFE_MS);
    this.#scores.set(event.itemId, score);
    // After a restart every item is a contender once.
    this.#contenders ??= new Set([...this.#scores.entries()].map(([itemId]) => itemId));
    this.#contenders.add(event.itemId);
  }

  #connect(event: ItemActivity): void {
    const { itemId } = event;
    const item = this.#neighbours.get(itemId) ?? noNeighbours();
    addNeighbours(item, event.neighbours, event.eventTime);
    this.#neighbours.set(itemId, item);
    this.#context.outputs.online(neighboursKey(itemId), {
      value: () => neighboursValue(item),
      ttlMs: TTL_MS.neighbours,
    });
  }
}

export const itemsSubtopology: Subtopology = {
  name: 'items',
  inputs: [INTERNAL_TOPICS.itemActivity.name],
  deduplicated: [],
  create: (context) => new ItemsProcessor(context),
};
