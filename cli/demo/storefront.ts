import { randomBytes } from 'node:crypto';
import type { PublicEvent } from '../../ingest/public-event.ts';
import type { SendEvents } from '../../ingest/simulator/http-sender.ts';
import { errorText } from '../../platform/errors.ts';
import type { Logger } from '../../platform/log.ts';
import { uuidV7 } from '../../platform/uuid-v7.ts';

const MAX_OPEN = 4;
const ASK_SHARE = 0.15;
const CLICK_SHARE = 0.25;

interface Answer {
  readonly recommendationId: string;
  readonly items: readonly { readonly itemId: string; readonly position: number }[];
}

type View = Extract<PublicEvent, { type: 'ProductViewed' }>;

export interface StorefrontOptions {
  /** Base URL of serving. */
  readonly url: string;
  readonly send: SendEvents;
  readonly random: () => number;
  readonly log: Logger;
  readonly onAcknowledged: (event: PublicEvent) => void;
}

/**
 * The part of a shop that shows recommendations: asks for some of the visitors who look at an item, reports what they
 * saw, and sometimes clicks. It asks less when answers take long, as pages that nobody waits for do.
 */
export class Storefront {
  readonly #options: StorefrontOptions;
  readonly #open = new Set<Promise<void>>();

  constructor(options: StorefrontOptions) {
    this.#options = options;
  }

  /** A visitor looks at an item. */
  viewed(view: View): void {
    if (this.#open.size >= MAX_OPEN || this.#options.random() >= ASK_SHARE) return;
    const visit = this.#visit(view)
      .catch((error: unknown) => {
        this.#options.log.warn(
          { error: errorText(error) },
          'a visitor of the demo got no recommendations; see the log of serving',
        );
      })
      .finally(() => this.#open.delete(visit));
    this.#open.add(visit);
  }

  async close(): Promise<void> {
    await Promise.all(this.#open);
  }

  async #visit(view: View): Promise<void> {
    const answer = await this.#recommendations(view);
    if (answer.items.length === 0) return;
    const events = this.#reactions(view, answer);
    const { rejected } = await this.#options.send(events);
    const refused = new Set(rejected.map(({ index }) => index));
    events.forEach((event, index) => {
      if (!refused.has(index)) this.#options.onAcknowledged(event);
    });
  }

  async #recommendations(view: View): Promise<Answer> {
    const query = new URLSearchParams({ anonymousId: view.anonymousId, limit: '8' });
    if (view.userId !== null) query.set('userId', view.userId);
    const response = await fetch(new URL(`/v1/recommendations?${query.toString()}`, this.#options.url), {
      signal: AbortSignal.timeout(5000),
    });
    if (!response.ok) throw new Error(`serving answered ${response.status}`);
    return (await response.json()) as Answer;
  }

  /** What the visitor reports: the items seen, and sometimes a click and the view that follows it. */
  #reactions(view: View, { recommendationId, items }: Answer): PublicEvent[] {
    const itemIds = items.map((item) => item.itemId);
    const events: PublicEvent[] = [
      { ...visit(view), type: 'RecommendationImpressed', recommendationId, itemIds },
    ];
    const chosen = items[Math.floor(this.#options.random() * items.length)];
    if (chosen === undefined || this.#options.random() >= CLICK_SHARE) return events;
    const { itemId, position } = chosen;
    events.push(
      { ...visit(view), type: 'RecommendationClicked', recommendationId, itemId, position },
      { ...visit(view), type: 'ProductViewed', recommendationId, itemId },
    );
    return events;
  }
}

/** What every event of the same visitor shares, at this moment. */
function visit(view: View) {
  const nowMs = Date.now();
  return {
    eventId: uuidV7(nowMs, randomBytes(10)),
    eventTime: nowMs,
    source: view.source,
    traceparent: null,
    anonymousId: view.anonymousId,
    userId: view.userId,
    sessionId: view.sessionId,
    device: view.device,
    referrer: view.referrer,
    channel: view.channel,
    bot: view.bot,
    internal: view.internal,
  };
}
