import type { Producer, ProduceRecord } from '../platform/kafka/port.ts';
import { errorText, MillraceError } from '../platform/errors.ts';
import type { Logger } from '../platform/log.ts';
import type { RecommendationsServed } from '../schemas/generated/events.ts';
import { namespaced, SHOP_TOPICS } from '../schemas/topics.ts';
import { encodeEvent } from '../schemas/wire-format.ts';

/** Takes answers for shop.served and never makes the caller wait. */
export interface ServedLog {
  add(event: RecommendationsServed): void;
  /** Sends what is queued, at most for `CLOSE_TIMEOUT_MS`, then counts the rest as dropped. Idempotent. */
  close(): Promise<void>;
}

export interface ServedLogOptions {
  readonly producer: Producer;
  readonly namespace: string;
  readonly log: Logger;
  /** Told of answers that will not be logged. */
  readonly onDropped: (count: number) => void;
  readonly capacity?: number;
  readonly maxBatch?: number;
  readonly closeTimeoutMs?: number;
}

const CLOSE_TIMEOUT_MS = 5000;

/**
 * A bounded queue in front of the producer. One batch is under way at a time; what arrives meanwhile becomes the next
 * one, so batches grow with the load and a quiet shop sees no delay. Served is not seen: losing an entry loses an
 * analytics row, so a full queue or a failed batch is counted and not tried for ever (the producer itself retries).
 */
export function createServedLog(options: ServedLogOptions): ServedLog {
  const { producer, namespace, log, onDropped, capacity = 10_000, maxBatch = 500 } = options;
  const topic = namespaced(namespace, SHOP_TOPICS.served.name);
  let queue: RecommendationsServed[] = [];
  let sending: Promise<void> | undefined;
  let closed = false;
  let failing = false;

  const sendAll = async () => {
    // Leave the caller's turn first: encoding must not add to the latency of the answer.
    await Promise.resolve();
    while (queue.length > 0) {
      const batch = queue.slice(0, maxBatch);
      queue = queue.slice(maxBatch);
      try {
        await producer.send(batch.map((event) => toRecord(topic, event)));
        failing = false;
      } catch (error) {
        onDropped(batch.length);
        if (!failing) log.warn(dropFields(error), 'answers could not be logged to shop.served; check Kafka');
        failing = true;
      }
    }
  };

  const start = () => {
    sending ??= sendAll().finally(() => {
      sending = undefined;
    });
    return sending;
  };

  return {
    add(event) {
      if (closed || queue.length >= capacity) {
        onDropped(1);
        return;
      }
      queue.push(event);
      void start();
    },
    async close() {
      if (closed) return;
      closed = true;
      await withDeadline(start(), options.closeTimeoutMs ?? CLOSE_TIMEOUT_MS);
      if (queue.length > 0) onDropped(queue.length);
      queue = [];
    },
  };
}

function toRecord(topic: string, event: RecommendationsServed): ProduceRecord {
  // An answer for a user without a device is keyed by the user: a topic key must not be empty.
  const key = event.anonymousId === '' ? event.userId : event.anonymousId;
  return { topic, key, value: encodeEvent(event), timestampMs: event.ingestTime };
}

function dropFields(error: unknown) {
  return { code: error instanceof MillraceError ? error.code : 'MR_INTERNAL', error: errorText(error) };
}

async function withDeadline(work: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([work, deadline]);
  clearTimeout(timer);
}
