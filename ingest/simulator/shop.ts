/**
 * A shop that never was: a pure core that decides which events happen when. Time comes in as an argument; the same
 * seed, epoch, options and sequence of calls give the same events.
 */
import type { ShipmentScanned } from '../../schemas/generated/events.ts';
import type { PublicEvent } from '../public-event.ts';
import { planCardBurst } from './card-burst.ts';
import { createCatalogue } from './catalogue.ts';
import { createDueQueue } from './due-queue.ts';
import { createPlanner, type PlannedEvent, type PlantedFault } from './planned-event.ts';
import { createRandom, createWeighted } from '../../platform/random.ts';
import { planSession, type VisitTools } from './session-journey.ts';
import { shopSettings, type ShopOptions } from './shop-options.ts';
import { createVisitors, type Visitor } from './visitors.ts';
import { planTables } from './shop-tables.ts';

export interface ShopTick {
  /** What is sent now; no event time is after the tick. */
  readonly events: readonly PublicEvent[];
  /** Faults that are complete with these events. */
  readonly faults: readonly PlantedFault[];
}

export interface Shop {
  /** The current state of every item and user, to be sent before anything else. */
  tables(nowMs: number): readonly PublicEvent[];
  /** Moves the shop to `nowMs`; starts as many visits as keep it at that rate. */
  tick(nowMs: number, eventsPerSecond: number): ShopTick;
  /**
   * Closes the shop: what was planned is dropped, and every parcel under way that is not stuck arrives now, so that
   * nothing falls silent but what was planted.
   */
  settle(nowMs: number): readonly PublicEvent[];
}

/** The rate is held over this time ahead. */
const HORIZON_MS = 1_000;
const SLOT_MS = 50;
/** Visits that one tick starts at most, for each event per second: a high rate is reached within a second or two. */
const MAX_STARTS = 0.1;
const FIRST_BURST_MS = 3_000;
/** Some visitors come more often than others: weight 1 / (rank + this). */
const LOYALTY = 30;
const ATTEMPTS = 5;

/** @throws MillraceError MR_SIMULATOR_INVALID. */
export function createShop(options: ShopOptions): Shop {
  const settings = shopSettings(options);
  const random = createRandom(settings.seed, 'traffic', settings.epoch);
  const planner = createPlanner(createRandom(settings.seed, 'events', settings.epoch), settings);
  const catalogue = createCatalogue(settings.seed, settings.items);
  const visitors = createVisitors(settings, catalogue);
  const drawVisitor = createWeighted(visitors, (_, rank) => 1 / (rank + LOYALTY));
  const queue = createDueQueue<PlannedEvent>();
  const load = createLoad();
  const underWay = new Map<string, Parcel>();
  let parcels = 0;
  let nextBurstMs =
    settings.cardBurstEveryMs === 0
      ? Infinity
      : settings.startMs + Math.min(FIRST_BURST_MS, settings.cardBurstEveryMs);
  const tools: VisitTools = {
    random,
    planner,
    settings,
    catalogue,
    // The second one, then one in so many: a short run has its stuck parcel too.
    getsStuck: () =>
      settings.stuckParcelEvery > 0 &&
      parcels++ % settings.stuckParcelEvery === 1 % settings.stuckParcelEvery,
  };

  function schedule(events: readonly PlannedEvent[]): void {
    for (const planned of events) {
      queue.push(planned);
      load.add(planned.dueMs);
    }
  }

  function idleVisitor(atMs: number): Visitor {
    let visitor = drawVisitor(random);
    for (let attempt = 1; attempt < ATTEMPTS && visitor.busyUntilMs > atMs; attempt++)
      visitor = drawVisitor(random);
    return visitor;
  }

  function plan(nowMs: number, eventsPerSecond: number): void {
    while (nextBurstMs <= nowMs) {
      schedule(planCardBurst(nowMs, tools));
      nextBurstMs = nowMs + settings.cardBurstEveryMs * random.between(0.7, 1.3);
    }
    const wanted = (eventsPerSecond * HORIZON_MS) / 1000;
    const maxStarts = Math.ceil(eventsPerSecond * MAX_STARTS);
    for (let starts = 0; starts < maxStarts && load.between(nowMs, nowMs + HORIZON_MS) < wanted; starts++) {
      const startMs = random.between(nowMs, nowMs + HORIZON_MS);
      schedule(planSession(idleVisitor(startMs), startMs, tools));
    }
  }

  return {
    tables: (nowMs) => planTables({ catalogue, visitors, planner, nowMs }),
    tick(nowMs, eventsPerSecond) {
      plan(nowMs, eventsPerSecond);
      const events: PublicEvent[] = [];
      const faults: PlantedFault[] = [];
      for (let next = queue.popDue(nowMs); next !== undefined; next = queue.popDue(nowMs)) {
        events.push(next.event);
        if (next.fault !== undefined) faults.push(next.fault);
        follow(underWay, next);
      }
      load.forget(nowMs);
      return { events, faults };
    },
    settle(nowMs) {
      const arrivals = [...underWay.values()].map(
        (parcel) => planner.plan(nowMs, { type: 'ShipmentDelivered', ...parcel }).event,
      );
      underWay.clear();
      while (queue.popDue(Infinity) !== undefined);
      return arrivals;
    },
  };
}

type Parcel = Pick<ShipmentScanned, 'orderId' | 'shipmentId' | 'carrier' | 'place'>;

/** Keeps the parcels that something is still to be heard of. */
function follow(underWay: Map<string, Parcel>, { event, fault }: PlannedEvent): void {
  if (fault?.kind === 'parcel-silent') {
    underWay.delete(fault.entityId);
  } else if (event.type === 'ShipmentCreated') {
    const { orderId, shipmentId, carrier, destination } = event;
    underWay.set(shipmentId, { orderId, shipmentId, carrier, place: destination });
  } else if (event.type === 'ShipmentDelivered' || event.type === 'ShipmentFailed') {
    underWay.delete(event.shipmentId);
  }
}

/** How many events are planned, by the time at which they are due. */
function createLoad() {
  const slots = new Map<number, number>();
  let forgotten = 0;
  return {
    add(dueMs: number): void {
      const slot = Math.floor(dueMs / SLOT_MS);
      slots.set(slot, (slots.get(slot) ?? 0) + 1);
    },
    /** Planned from one time to another, rounded to whole slots. */
    between(fromMs: number, toMs: number): number {
      let count = 0;
      for (let slot = Math.floor(fromMs / SLOT_MS); slot < Math.floor(toMs / SLOT_MS); slot++) {
        count += slots.get(slot) ?? 0;
      }
      return count;
    },
    forget(beforeMs: number): void {
      const until = Math.floor(beforeMs / SLOT_MS);
      if (until === forgotten) return;
      for (const slot of slots.keys()) if (slot < until) slots.delete(slot);
      forgotten = until;
    },
  };
}
