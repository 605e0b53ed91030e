/** The way of one parcel: created, scanned from place to place, delivered; or stuck somewhere for good. */
import type { ScanStatus } from '../../schemas/generated/events.ts';
import type { Market, Place } from './markets.ts';
import type { PlannedEvent, Planner } from './planned-event.ts';
import type { Random } from '../../platform/random.ts';
import { MAX_PARCEL_GAP, type ShopSettings } from './shop-options.ts';

export interface ParcelPlan {
  readonly orderId: string;
  readonly fromMs: number;
  readonly from: Market;
  readonly to: Market;
  /** No event follows the scan at which the parcel gets stuck. */
  readonly stuck: boolean;
}

export interface ParcelJourney {
  readonly events: readonly PlannedEvent[];
  /** Epoch ms of the delivery; undefined where there is none. */
  readonly deliveredMs: number | undefined;
}

interface Scan {
  readonly status: ScanStatus;
  readonly place: Place;
}

const SECOND_ATTEMPT = 0.08;
const RETURNED_TO_SENDER = 0.01;
const CARRIERS = ['Nordpost', 'Swiftlane', 'Meridian Express'] as const;

export function planParcel(
  plan: ParcelPlan,
  random: Random,
  planner: Planner,
  settings: ShopSettings,
): ParcelJourney {
  const origin = random.pick(plan.from.cities);
  const destination = random.pick(plan.to.cities);
  const parcel = { orderId: plan.orderId, shipmentId: planner.id('parcel'), carrier: random.pick(CARRIERS) };
  const scans = routeOf(plan, random, origin, destination);
  const kept = plan.stuck ? scans.slice(0, 1 + random.int(scans.length - 1)) : scans;
  const events = [
    planner.plan(plan.fromMs, {
      type: 'ShipmentCreated',
      ...parcel,
      service: random.pick(['standard', 'express']),
      origin: origin.name,
      destination: destination.name,
      promisedTime: Math.floor(plan.fromMs + (scans.length + 3) * settings.parcelStepMs),
    }),
  ];
  let atMs = plan.fromMs;
  const step = () => (atMs += settings.parcelStepMs * random.between(0.5, MAX_PARCEL_GAP));
  for (const scan of kept)
    events.push(planner.plan(step(), { type: 'ShipmentScanned', ...parcel, ...scanned(scan) }));
  if (plan.stuck) {
    return { events: withSilence(events, parcel.shipmentId, settings), deliveredMs: undefined };
  }
  if (random.chance(RETURNED_TO_SENDER)) {
    const reason = 'refused by the recipient';
    events.push(planner.plan(step(), { type: 'ShipmentFailed', ...parcel, reason, place: destination.name }));
    return { events, deliveredMs: undefined };
  }
  events.push(planner.plan(step(), { type: 'ShipmentDelivered', ...parcel, place: destination.name }));
  return { events, deliveredMs: atMs };
}

function routeOf(plan: ParcelPlan, random: Random, origin: Place, destination: Place): readonly Scan[] {
  const abroad = plan.from.country !== plan.to.country;
  const gateway = plan.to.cities[0] ?? destination;
  return [
    { status: 'pickedUp', place: origin },
    { status: 'inTransit', place: origin },
    ...(abroad ? ([{ status: 'customs', place: gateway }] as const) : []),
    { status: 'atHub', place: gateway },
    { status: 'outForDelivery', place: destination },
    ...(random.chance(SECOND_ATTEMPT)
      ? ([
          { status: 'deliveryAttempted', place: destination },
          { status: 'outForDelivery', place: destination },
        ] as const)
      : []),
  ];
}

function scanned({ status, place }: Scan) {
  const { name, latitude, longitude } = place;
  return { status, place: name, latitude, longitude, temperatureCelsius: null };
}

/** Marks the event that is sent last: with it nothing more comes, and the silence runs from the last event time. */
function withSilence(
  events: readonly PlannedEvent[],
  shipmentId: string,
  settings: ShopSettings,
): readonly PlannedEvent[] {
  const lastTimeMs = Math.max(...events.map(({ event }) => event.eventTime));
  const lastDueMs = Math.max(...events.map(({ dueMs }) => dueMs));
  const fault = {
    kind: 'parcel-silent',
    entityId: shipmentId,
    fromMs: lastTimeMs,
    expectedByMs: Math.ceil(lastTimeMs + settings.parcelSilenceMs + settings.alertMarginMs),
    eventIds: events.map(({ event }) => event.eventId),
  } as const;
  return events.map((planned) => (planned.dueMs === lastDueMs ? { ...planned, fault } : planned));
}
