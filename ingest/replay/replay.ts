/** Publishes a recorded data set, as fast as Kafka takes it or at a multiple of its event time. */
import { setTimeout as delay } from 'node:timers/promises';
import { MillraceError } from '../../platform/errors.ts';
import type { Producer } from '../../platform/kafka/port.ts';
import { takeEvent, toProduceRecord, type PublicEvent } from '../public-event.ts';
import type { OnBadRow } from './replay-event.ts';
import type { ReplaySource } from './replay-source.ts';

/** Requests to Kafka that may wait at once: one is encoded while others are written. */
const MAX_REQUESTS = 4;
/** At a given speed, events within this time are published together. */
const PACE_STEP_MS = 20;

export type ReplaySpeed = 'max' | number;

export interface ReplayProgress {
  /** Events that Kafka acknowledged. */
  readonly events: number;
  readonly badRows: number;
  readonly seconds: number;
}

export interface ReplayOptions {
  readonly producer: Producer;
  /** Of topics that exist; a replay has its own, so that it never mixes with the live shop. */
  readonly namespace: string;
  readonly source: ReplaySource;
  /** `max`, or how many times faster than event time. */
  readonly speed: ReplaySpeed;
  /** Epoch ms; ingest time of what is published. */
  readonly now: () => number;
  /** What a bad row does; `abort` where absent. Either way it is told to `onBadRow`. */
  readonly badRows?: 'abort' | 'skip';
  readonly onBadRow?: OnBadRow;
  /** After each acknowledged batch. */
  readonly onProgress?: (progress: ReplayProgress) => void;
  /** Ends the replay after what is being written. */
  readonly signal?: AbortSignal;
  /** Waits; for tests with a clock of their own. */
  readonly sleep?: (ms: number) => Promise<void>;
}

/**
 * `max`, or a number above zero, from the command line.
 * @throws MillraceError MR_REPLAY_SPEED.
 */
export function parseReplaySpeed(text: string): ReplaySpeed {
  const speed = text === 'max' ? 'max' : Number(text);
  if (text.trim() !== '' && (speed === 'max' || (Number.isFinite(speed) && speed > 0))) return speed;
  throw new MillraceError('MR_REPLAY_SPEED', 'The speed needs to be max, or a number above zero.');
}

/**
 * Publishes every event of the source in order; resolves when all are acknowledged or the signal came.
 * @throws MillraceError MR_REPLAY_BAD_ROW, MR_REPLAY_UNREADABLE or the producer's error; a second run drops as
 * duplicates what the first one wrote.
 */
export async function replay(options: ReplayOptions): Promise<ReplayProgress> {
  const { signal, now, source } = options;
  const startedMs = now();
  let badRows = 0;
  let events = 0;
  const progress = (): ReplayProgress => ({ events, badRows, seconds: (now() - startedMs) / 1000 });
  const publishing = createPublishing(options, (written) => {
    events += written;
    options.onProgress?.(progress());
  });
  const onBadRow: OnBadRow = (error) => {
    badRows++;
    options.onBadRow?.(error);
    if (options.badRows !== 'skip') throw error;
  };

  try {
    for await (const batch of paced(source.batches(onBadRow), options)) {
      if (signal?.aborted === true) break;
      await publishing.add(batch);
    }
  } finally {
    await publishing.settled();
  }
  publishing.check();
  return progress();
}

interface Publishing {
  /** Waits for room, then publishes. @throws the first failure. */
  add(batch: readonly PublicEvent[]): Promise<void>;
  /** Resolves when nothing is being written any more, failed or not. */
  settled(): Promise<void>;
  /** @throws the first failure. */
  check(): void;
}

function createPublishing(options: ReplayOptions, onWritten: (events: number) => void): Publishing {
  const { producer, namespace, now } = options;
  const open = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  const check = () => {
    if (failure !== undefined) throw failure.error;
  };
  const write = async (batch: readonly PublicEvent[]): Promise<void> => {
    const ingestTime = now();
    try {
      await producer.send(batch.map((event) => toProduceRecord(takeEvent(event, ingestTime), namespace)));
      onWritten(batch.length);
    } catch (error) {
      failure ??= { error };
    }
  };
  return {
    check,
    async add(batch) {
      while (open.size >= MAX_REQUESTS) await Promise.race(open);
      check();
      const request = write(batch).finally(() => open.delete(request));
      open.add(request);
    },
    async settled() {
      await Promise.all(open);
    },
  };
}

/** The batches, cut and held back so that event time passes `speed` times as fast as the clock. */
async function* paced(
  batches: AsyncIterable<readonly PublicEvent[]>,
  options: ReplayOptions,
): AsyncGenerator<readonly PublicEvent[]> {
  const { speed, now, signal } = options;
  const sleep =
    options.sleep ?? ((ms: number) => delay(ms, undefined, signal === undefined ? {} : { signal }));
  const startedMs = now();
  let firstMs: number | undefined;
  for await (const batch of batches) {
    if (speed === 'max') {
      yield batch;
      continue;
    }
    firstMs ??= batch[0]?.eventTime ?? 0;
    for (let from = 0; from < batch.length; ) {
      const dueMs = startedMs + ((batch[from]?.eventTime ?? 0) - firstMs) / speed;
      await sleepUntil(dueMs);
      if (signal?.aborted === true) return;
      const untilMs = firstMs + (now() + PACE_STEP_MS - startedMs) * speed;
      const next = batch.findIndex((event, index) => index > from && event.eventTime > untilMs);
      const to = next === -1 ? batch.length : next;
      yield batch.slice(from, to);
      from = to;
    }
  }

  async function sleepUntil(dueMs: number): Promise<void> {
    const waitMs = dueMs - now();
    if (waitMs <= 0) return;
    // An abort ends the wait; the loop looks at the signal itself.
    await sleep(waitMs).catch((error: unknown) => {
      if (signal?.aborted !== true) throw error;
    });
  }
}
