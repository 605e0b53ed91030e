/** Brings the events of the simulator to the collector: a few requests at a time, repeated until acknowledged. */
import { retry } from '../../platform/retry.ts';
import type { PublicEvent } from '../public-event.ts';
import { createFaultTracker, openGroundTruth } from './ground-truth.ts';
import type { SendAnswer, SendEvents } from './http-sender.ts';
import type { PlantedFault } from './planned-event.ts';

export interface DeliveryProgress {
  /** Events acknowledged for the first time. */
  readonly accepted: number;
  /** Events that an earlier try had brought in already. */
  readonly duplicates: number;
  readonly rejected: number;
  /** Requests that were repeated. */
  readonly retries: number;
  /** Faults in the ground truth. */
  readonly faults: number;
  readonly seconds: number;
}

export interface DeliveryOptions {
  readonly send: SendEvents;
  readonly now: () => number;
  readonly groundTruthPath: string | undefined;
  readonly alertMarginMs: number;
  /** Wait before the first repetition; it doubles up to 2 s. */
  readonly retryDelayMs: number;
  /** Longest time in which one request is repeated. */
  readonly giveUpAfterMs: number;
  readonly onAcknowledged: ((event: PublicEvent, atMs: number) => void) | undefined;
  readonly onRejected: ((event: PublicEvent, code: string) => void) | undefined;
  readonly onProgress: ((progress: DeliveryProgress) => void) | undefined;
}

export interface Delivery {
  /** Starts to send; waits only for room. @throws the first failure of any request. */
  add(events: readonly PublicEvent[], faults?: readonly PlantedFault[]): Promise<void>;
  /** Waits for what is being sent, then closes the ground truth. */
  close(): Promise<void>;
  /** @throws the first failure of any request. */
  result(): DeliveryProgress;
}

const MAX_EVENTS_A_REQUEST = 200;
const MAX_REQUESTS = 4;
const MAX_RETRY_DELAY_MS = 2_000;

export async function openDelivery(options: DeliveryOptions): Promise<Delivery> {
  const { now, onAcknowledged, onRejected, onProgress } = options;
  const startedMs = now();
  const truth = await openGroundTruth(options.groundTruthPath);
  const tracker = createFaultTracker(options.alertMarginMs);
  const open = new Set<Promise<void>>();
  const count = { accepted: 0, duplicates: 0, rejected: 0, retries: 0, faults: 0 };
  let failure: { readonly error: unknown } | undefined;
  const progress = () => ({ ...count, seconds: (now() - startedMs) / 1000 });
  const check = () => {
    if (failure !== undefined) throw failure.error;
  };

  async function request(events: readonly PublicEvent[]): Promise<void> {
    try {
      const answer = await retry(() => options.send(events), {
        initialDelayMs: options.retryDelayMs,
        maxDelayMs: MAX_RETRY_DELAY_MS,
        giveUpAfterMs: options.giveUpAfterMs,
        onRetry: () => count.retries++,
      });
      await settle(events, answer);
    } catch (error) {
      failure ??= { error };
    }
  }

  async function settle(events: readonly PublicEvent[], answer: SendAnswer): Promise<void> {
    const atMs = now();
    const rejected = new Map(answer.rejected.map(({ index, code }) => [index, code]));
    const complete: PlantedFault[] = [];
    for (const [index, event] of events.entries()) {
      const code = rejected.get(index);
      if (code !== undefined) {
        onRejected?.(event, code);
        continue;
      }
      complete.push(...tracker.acknowledged(event.eventId, atMs));
      onAcknowledged?.(event, atMs);
    }
    await truth.write(complete);
    count.accepted += answer.accepted;
    count.duplicates += answer.duplicates;
    count.rejected += answer.rejected.length;
    count.faults += complete.length;
    onProgress?.(progress());
  }

  return {
    async add(events, faults = []) {
      check();
      tracker.add(events, faults);
      for (let from = 0; from < events.length; from += MAX_EVENTS_A_REQUEST) {
        while (open.size >= MAX_REQUESTS) await Promise.race(open);
        check();
        const sending = request(events.slice(from, from + MAX_EVENTS_A_REQUEST)).finally(() =>
          open.delete(sending),
        );
        open.add(sending);
      }
    },
    async close() {
      await Promise.all(open);
      await truth.close();
    },
    result() {
      check();
      return progress();
    },
  };
}
