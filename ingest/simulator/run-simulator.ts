/** Runs a simulated shop on a clock and sends what happens in it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { PublicEvent } from '../public-event.ts';
import { openDelivery, type DeliveryProgress } from './delivery.ts';
import type { SendEvents } from './http-sender.ts';
import type { Shop } from './shop.ts';

export interface SimulatorClock {
  /** Epoch ms. */
  now(): number;
  sleep(ms: number): Promise<void>;
}

export interface SimulatorOptions {
  readonly shop: Shop;
  readonly ratePerSecond: number;
  /** Brings events to the collector, such as {@link createHttpSender}'s. */
  readonly send: SendEvents;
  /** Ends by itself after this time; runs until the signal where absent. */
  readonly seconds?: number;
  /** Ends the traffic; what was produced is still sent. */
  readonly signal?: AbortSignal;
  readonly clock?: SimulatorClock;
  /** File for the planted faults, as JSON lines. */
  readonly groundTruthPath?: string;
  /** Time the processors have for an alert, counted from the acknowledgement; 10 s where absent. */
  readonly alertMarginMs?: number;
  /** Wait before a request is repeated for the first time; 100 ms where absent. */
  readonly retryDelayMs?: number;
  /** Longest time in which one request is repeated; 60 s where absent. */
  readonly giveUpAfterMs?: number;
  /** Sends items and users first; true where absent. */
  readonly publishTables?: boolean;
  readonly onAcknowledged?: (event: PublicEvent, atMs: number) => void;
  readonly onRejected?: (event: PublicEvent, code: string) => void;
  /** After each acknowledged request. */
  readonly onProgress?: (progress: DeliveryProgress) => void;
}

const TICK_MS = 50;
const DEFAULT_MARGIN_MS = 10_000;
const DEFAULT_RETRY_DELAY_MS = 100;
const DEFAULT_GIVE_UP_MS = 60_000;
const SYSTEM_CLOCK: SimulatorClock = { now: Date.now, sleep: (ms) => delay(ms) };

/**
 * Ticks the shop, sends its events, and closes it at the end so that no parcel is left under way. Resolves when every
 * event is acknowledged or rejected. A collector that cannot take events is asked again with the same events.
 * @throws MillraceError MR_SIMULATOR_REFUSED, or MR_SIMULATOR_COLLECTOR_BUSY after `giveUpAfterMs`.
 */
export async function runSimulator(options: SimulatorOptions): Promise<DeliveryProgress> {
  const { shop, signal, clock = SYSTEM_CLOCK } = options;
  const delivery = await openDelivery({
    send: options.send,
    now: () => clock.now(),
    groundTruthPath: options.groundTruthPath,
    alertMarginMs: options.alertMarginMs ?? DEFAULT_MARGIN_MS,
    retryDelayMs: options.retryDelayMs ?? DEFAULT_RETRY_DELAY_MS,
    giveUpAfterMs: options.giveUpAfterMs ?? DEFAULT_GIVE_UP_MS,
    onAcknowledged: options.onAcknowledged,
    onRejected: options.onRejected,
    onProgress: options.onProgress,
  });
  try {
    if (options.publishTables !== false) await delivery.add(shop.tables(clock.now()));
    const endMs = clock.now() + (options.seconds ?? Infinity) * 1000;
    while (signal?.aborted !== true && clock.now() < endMs) {
      const { events, faults } = shop.tick(clock.now(), options.ratePerSecond);
      await delivery.add(events, faults);
      await clock.sleep(TICK_MS);
    }
    await delivery.add(shop.settle(clock.now()));
  } finally {
    await delivery.close();
  }
  return delivery.result();
}
