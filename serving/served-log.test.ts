import { describe, expect, it } from 'vitest';
import { MillraceError } from '../platform/errors.ts';
import type { Producer, ProduceRecord } from '../platform/kafka/port.ts';
import { silentLogger } from '../platform/log.ts';
import type { RecommendationsServed } from '../schemas/generated/events.ts';
import { decodeEvent } from '../schemas/wire-format.ts';
import { createServedLog } from './served-log.ts';

/** A producer whose sends wait until the test settles them. */
class HeldProducer implements Producer {
  readonly batches: (readonly ProduceRecord[])[] = [];
  readonly #settle: ((error?: Error) => void)[] = [];
  #arrived: (() => void) | undefined;

  send(records: readonly ProduceRecord[]): Promise<never[]> {
    this.batches.push(records);
    this.#arrived?.();
    return new Promise((resolve, reject) => {
      this.#settle.push((error) => (error === undefined ? resolve([]) : reject(error)));
    });
  }

  settle(error?: Error): void {
    this.#settle.shift()?.(error);
  }

  async untilBatch(count: number): Promise<void> {
    while (this.batches.length < count) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  close = () => Promise.resolve();
}

function served(recommendationId: string, anonymousId = 'device'): RecommendationsServed {
  return {
    type: 'RecommendationsServed',
    eventId: `event-${recommendationId}`,
    eventTime: 1000,
    ingestTime: 1000,
    source: 'serving',
    traceparent: null,
    recommendationId,
    anonymousId,
    userId: 'user',
    items: [{ itemId: 'a', position: 0, propensity: 1, reason: 'trending' }],
    modelVersion: 'm',
    experiment: null,
    latencyMicros: 12,
  };
}

function logWith(options: { capacity?: number; maxBatch?: number; closeTimeoutMs?: number } = {}) {
  const producer = new HeldProducer();
  let dropped = 0;
  const log = createServedLog({
    producer,
    namespace: 'test',
    log: silentLogger(),
    onDropped: (count) => {
      dropped += count;
    },
    ...options,
  });
  return { producer, log, dropped: () => dropped };
}

const failure = () => new MillraceError('MR_KAFKA_UNAVAILABLE', 'no broker');

describe('the log of answers', () => {
  it('writes answers to shop.served of the namespace, keyed by the device, or by the user without one', async () => {
    const { producer, log } = logWith();
    log.add(served('1'));
    log.add(served('2', ''));
    await producer.untilBatch(1);
    const [batch] = producer.batches;
    expect(batch?.map((record) => [record.topic, record.key, record.timestampMs])).toEqual([
      ['test.shop.served', 'device', 1000],
      ['test.shop.served', 'user', 1000],
    ]);
    expect(decodeEvent(batch?.[0]?.value ?? null)).toEqual(served('1'));
    producer.settle();
    await log.close();
  });

  it('gathers what arrives while a batch is under way, in order and bounded', async () => {
    const { producer, log, dropped } = logWith({ maxBatch: 2 });
    log.add(served('1'));
    await producer.untilBatch(1);
    for (const id of ['2', '3', '4']) log.add(served(id));
    const closed = log.close();
    for (let batch = 1; batch <= 3; batch++) {
      await producer.untilBatch(batch);
      producer.settle();
    }
    await closed;
    expect(producer.batches.map((batch) => batch.length)).toEqual([1, 2, 1]);
    expect(dropped()).toBe(0);
  });

  it('counts what does not fit and what comes after the close', async () => {
    const { producer, log, dropped } = logWith({ capacity: 2 });
    log.add(served('1'));
    await producer.untilBatch(1);
    for (const id of ['2', '3', '4']) log.add(served(id));
    expect(dropped()).toBe(1);
    const closed = log.close();
    producer.settle();
    await producer.untilBatch(2);
    producer.settle();
    await closed;
    log.add(served('5'));
    expect(dropped()).toBe(2);
  });

  it('counts a batch that Kafka refused and goes on with the next', async () => {
    const { producer, log, dropped } = logWith();
    log.add(served('1'));
    await producer.untilBatch(1);
    log.add(served('2'));
    producer.settle(failure());
    await producer.untilBatch(2);
    producer.settle();
    await log.close();
    expect(dropped()).toBe(1);
  });

  it('gives up at the close when Kafka hangs, and counts what was left', async () => {
    const { producer, log, dropped } = logWith({ closeTimeoutMs: 5 });
    log.add(served('1'));
    await producer.untilBatch(1);
    log.add(served('2'));
    await log.close();
    expect(dropped()).toBe(1);
  });
});
