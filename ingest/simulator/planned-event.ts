/** Events that the simulated shop has decided on but not sent yet. */
import type { PublicEvent } from '../public-event.ts';
import { uuidV7 } from '../../platform/uuid-v7.ts';
import type { Random } from '../../platform/random.ts';
import type { ShopSettings } from './shop-options.ts';

/** A fault that was put into the traffic, which the processors have to find. */
export interface PlantedFault {
  readonly kind: 'card-velocity-burst' | 'parcel-silent';
  /** Card fingerprint or shipmentId: the entityId of the alert. */
  readonly entityId: string;
  /** Epoch ms of its first event. */
  readonly fromMs: number;
  /** Epoch ms at which the alert must have been raised. */
  readonly expectedByMs: number;
  /** Events that make the fault: without all of them there is none. */
  readonly eventIds: readonly string[];
}

export interface PlannedEvent {
  /** Epoch ms at which it is sent; never before its event time. */
  readonly dueMs: number;
  readonly event: PublicEvent;
  /** The fault that is complete with this event. */
  readonly fault?: PlantedFault;
}

type Draft<Event> = Event extends PublicEvent
  ? Omit<Event, 'eventId' | 'eventTime' | 'source' | 'traceparent'>
  : never;
/** An event without what all events have. */
export type EventDraft = Draft<PublicEvent>;

const SLOW_SHARE = 0.15;
const USUAL_DELAY_MS = 40;

/** Makes planned events out of drafts. */
export interface Planner {
  /** Takes the draft over and completes it. */
  plan(atMs: number, draft: EventDraft): PlannedEvent;
  /** An id that no other plan of this seed and epoch has. */
  id(prefix: string): string;
}

/** Times are rounded to whole ms; a small share of the events is sent late, so that they arrive out of order. */
export function createPlanner(random: Random, settings: ShopSettings): Planner {
  return {
    plan(atMs, draft) {
      const eventTime = Math.floor(atMs);
      const delayMs = random.next() * (random.chance(SLOW_SHARE) ? settings.outOfOrderMs : USUAL_DELAY_MS);
      const head = {
        eventId: uuidV7(eventTime, random.bytes(10)),
        eventTime,
        source: 'simulator',
        traceparent: null,
      };
      return {
        dueMs: eventTime + Math.min(delayMs, settings.outOfOrderMs),
        event: Object.assign(draft, head),
      };
    },
    id: (prefix) => `${prefix}-${Buffer.from(random.bytes(8)).toString('hex')}`,
  };
}
