import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../../platform/random.ts';
import type { Kafka, ProduceRecord, Producer } from '../../platform/kafka/port.ts';
import type { ProductViewed } from '../../schemas/generated/events.ts';
import { encodeEvent } from '../../schemas/wire-format.ts';

const TICK_MS = 20;
const BATCH = 2000;

/** Keeps events coming, and knows how far each partition was at which time. */
export class Feeder {
  readonly #topic: string;
  readonly #keys: number;
  readonly #producer: Producer;
  readonly #random = createRandom('recovery');
  /** By partition: when it was acknowledged up to which offset. */
  readonly #heads = new Map<number, { readonly atMs: number; readonly end: number }[]>();
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(kafka: Kafka, topic: string, keys: number) {
    this.#topic = topic;
    this.#keys = keys;
    this.#producer = kafka.producer();
  }

  async fill(events: number): Promise<void> {
    for (let sent = 0; sent < events; sent += BATCH) await this.#send(Math.min(BATCH, events - sent));
  }

  start(ratePerSecond: number): void {
    this.#running = this.#run(ratePerSecond);
    this.#running.catch(() => undefined); // `close` has the error
  }

  /** End of what was acknowledged in a partition at a time. */
  endAt(partition: number, atMs: number): number {
    return this.#heads.get(partition)?.findLast((head) => head.atMs <= atMs)?.end ?? 0;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#producer.close();
  }

  async #run(ratePerSecond: number): Promise<void> {
    const { signal } = this.#stop;
    const startMs = performance.now();
    for (let sent = 0; !signal.aborted; ) {
      const due = Math.floor(((performance.now() - startMs) * ratePerSecond) / 1000) - sent;
      if (due > 0) await this.#send(due);
      sent += Math.max(0, due);
      await sleep(TICK_MS, undefined, { signal }).catch(() => undefined); // the signal ends the wait
    }
  }

  async #send(count: number): Promise<void> {
    const places = await this.#producer.send(Array.from({ length: count }, () => this.#view()));
    const atMs = Date.now();
    const ends = new Map<number, number>();
    for (const { partition, offset } of places)
      ends.set(partition, Math.max(ends.get(partition) ?? 0, offset + 1));
    for (const [partition, end] of ends)
      this.#heads.set(partition, [...(this.#heads.get(partition) ?? []).slice(-5000), { atMs, end }]);
  }

  #view(): ProduceRecord {
    const eventTime = Date.now();
    const device = `device-${this.#random.int(10_000)}`;
    const event: ProductViewed = {
      ...{ type: 'ProductViewed', eventId: randomUUID(), eventTime, ingestTime: eventTime, source: 'bench' },
      ...{ traceparent: null, anonymousId: device, userId: null, sessionId: null, device: 'mobile' },
      ...{ referrer: null, channel: 'app', bot: false, internal: false, recommendationId: null },
      itemId: `item-${this.#random.int(this.#keys)}`,
    };
    return { topic: this.#topic, key: device, value: encodeEvent(event), timestampMs: eventTime };
  }
}
