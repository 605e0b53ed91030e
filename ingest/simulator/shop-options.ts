/** What can be said about the simulated shop, and what is assumed where nothing is said. */
import { MillraceError } from '../../platform/errors.ts';

export interface ShopSettings {
  readonly seed: number;
  /** Another start with the same seed: same catalogue and visitors, other events, orders and cards. */
  readonly epoch: number;
  /** Epoch ms of the first tick, about. */
  readonly startMs: number;
  readonly items: number;
  readonly visitors: number;
  /** Mean time between two actions of a visitor. */
  readonly thinkTimeMs: number;
  /** Mean time between the steps of an order: authorised, confirmed, captured, handed to the carrier. */
  readonly orderStepMs: number;
  /** Mean time between two scans of a parcel; single gaps are half to one and a half times as long. */
  readonly parcelStepMs: number;
  /** Longest time between an event and its sending; most are sent at once. */
  readonly outOfOrderMs: number;
  /** Time between bursts of card testing; 0: none. The first one comes early. */
  readonly cardBurstEveryMs: number;
  /** Mean time between two payments of a burst. */
  readonly cardBurstGapMs: number;
  /** One parcel in so many gets stuck; 0: none. */
  readonly stuckParcelEvery: number;
  /** MR_CARD_BURST_COUNT of the processors: payments with one card that must raise an alert. */
  readonly cardBurstCount: number;
  /** MR_CARD_BURST_WINDOW of the processors. Outside bursts a card is never used more than four times within it. */
  readonly cardBurstWindowMs: number;
  /** MR_PARCEL_SILENCE of the processors. Outside stuck parcels no two scans are that far apart. */
  readonly parcelSilenceMs: number;
  /** Time the processors have to raise an alert once it is due. */
  readonly alertMarginMs: number;
}

export type ShopOptions = Pick<ShopSettings, 'seed' | 'startMs'> & Partial<ShopSettings>;

const DEFAULTS: Omit<ShopSettings, 'seed' | 'startMs'> = {
  epoch: 0,
  items: 600,
  visitors: 500,
  thinkTimeMs: 1_500,
  orderStepMs: 800,
  parcelStepMs: 3_000,
  outOfOrderMs: 1_000,
  cardBurstEveryMs: 20_000,
  cardBurstGapMs: 400,
  stuckParcelEvery: 25,
  cardBurstCount: 5,
  cardBurstWindowMs: 300_000,
  parcelSilenceMs: 15_000,
  alertMarginMs: 10_000,
};

/** Longest gap between two scans of a parcel that is not stuck, times parcelStepMs. */
export const MAX_PARCEL_GAP = 1.5;
/** Payments of a burst above the count that raises an alert. */
export const BURST_SURPLUS = 4;
/** Payments that a card sees at most for one order: failed, authorised, captured, refunded. */
const PAYMENTS_PER_ORDER = 4;

/**
 * The options with their defaults.
 * @throws MillraceError MR_SIMULATOR_INVALID where planted faults could not be told from normal traffic.
 */
export function shopSettings(options: ShopOptions): ShopSettings {
  const settings = { ...DEFAULTS, ...options };
  const { parcelStepMs, outOfOrderMs, parcelSilenceMs, cardBurstCount, cardBurstGapMs } = settings;
  const needs = (holds: boolean, says: string) => {
    if (!holds) throw new MillraceError('MR_SIMULATOR_INVALID', says);
  };
  needs(settings.items >= 50 && settings.visitors >= 10, 'the shop needs 50 items and 10 visitors or more');
  needs(
    parcelStepMs * MAX_PARCEL_GAP + outOfOrderMs < parcelSilenceMs,
    'parcelSilenceMs needs to be above one and a half times parcelStepMs, plus outOfOrderMs',
  );
  needs(cardBurstCount > PAYMENTS_PER_ORDER, `cardBurstCount needs to be above ${PAYMENTS_PER_ORDER}`);
  needs(
    cardBurstGapMs * 1.5 * cardBurstCount < settings.cardBurstWindowMs,
    'cardBurstGapMs needs to be short enough for a burst to fit into cardBurstWindowMs',
  );
  return settings;
}
