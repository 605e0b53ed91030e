import type { ProduceRecord } from '../../platform/kafka/port.ts';
import type { ProductViewed } from '../../schemas/generated/events.ts';
import { encodeEvent } from '../../schemas/wire-format.ts';

const BASE_MS = Date.UTC(2026, 0, 1);
const ITEMS = 2000;

/** mulberry32: a small seeded generator, uniform in [0, 1). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function uuid(random: () => number): string {
  const hex = Array.from({ length: 4 }, () =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  ).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** Views of items with a popularity of about 1/rank, a thousand a second in event time, up to a second out of order. */
export function* seededViews(topic: string, count: number, seed = 1): Generator<ProduceRecord> {
  const random = seeded(seed);
  for (let index = 0; index < count; index++) {
    const eventTime = BASE_MS + index - Math.floor(random() * 1000);
    const event: ProductViewed = {
      type: 'ProductViewed',
      eventId: uuid(random),
      eventTime,
      ingestTime: eventTime,
      source: 'bench',
      traceparent: null,
      anonymousId: `device-${Math.floor(random() * 50_000)}`,
      userId: null,
      sessionId: null,
      device: 'mobile',
      referrer: null,
      channel: 'app',
      bot: false,
      internal: false,
      itemId: `item-${Math.floor(ITEMS ** random())}`,
      recommendationId: null,
    };
    yield { topic, key: event.anonymousId, value: encodeEvent(event) };
  }
}
