import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Secret, parseConfig } from '../../platform/config.ts';
import { openEmbeddedLog } from '../../platform/kafka/embedded/index.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import { silentLogger } from '../../platform/log.ts';
import { createMetrics } from '../../platform/metrics.ts';
import { SHOP_TOPICS, topicsOf } from '../../schemas/topics.ts';
import { decodeEvent, MAX_SAFE_LONG } from '../../schemas/wire-format.ts';
import { PUBLIC_SCHEMAS } from '../public-event.ts';
import { uuidV7 } from '../../platform/uuid-v7.ts';
import { shapeOf, type RecordShape, type Shape } from './avro-shape.ts';
import { holdsCardNumber } from './card-number.ts';
import { createCollector } from './create-collector.ts';

const KEY = 'a-key-of-more-than-16';
const NOW_MS = Date.UTC(2025, 10, 3, 12);
const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

let folder: string;
let kafka: Kafka;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mr-round-trip-'));
  kafka = await openEmbeddedLog({ dir: folder, log: silentLogger(), fsync: false });
  await kafka.admin.ensureTopics(topicsOf('').map(({ name, partitions }) => ({ topic: name, partitions })));
});
afterEach(async () => {
  await kafka.close();
  await rm(folder, { recursive: true });
});

let ids = 0;
const newId = (): string => uuidV7(NOW_MS, Buffer.from((++ids).toString(16).padStart(20, '0'), 'hex'));

test('any event that the schemas allow comes back from the log as it was sent', async () => {
  const app = createCollector({
    producer: kafka.producer(),
    namespace: '',
    config: parseConfig({}).ingest,
    keys: [new Secret(KEY)],
    metrics: createMetrics(),
    log: silentLogger(),
    now: () => NOW_MS,
  });
  const newEvents = createTail(kafka);
  await fc.assert(
    fc.asyncProperty(fc.array(anyEvent(), { minLength: 1, maxLength: 8 }), async (pairs) => {
      const events = pairs.map((pair) => ({ ...pair, eventId: newId() }));
      const answer = await app.inject({
        method: 'POST',
        url: '/v1/events',
        headers: { 'x-api-key': KEY },
        payload: events.map(({ sent, eventId }) => ({ ...sent, eventId })),
      });
      expect(answer.json()).toEqual({ accepted: events.length, duplicates: 0, rejected: [] });
      const stored = await newEvents();
      expect(stored.size).toBe(events.length);
      for (const { expected, eventId } of events) {
        expect(stored.get(eventId)).toEqual({ ...expected, eventId, ingestTime: NOW_MS });
      }
    }),
    { numRuns: 150 },
  );
  await app.close();
});

/** What was written since the last call, by eventId. */
function createTail(log: Kafka): () => Promise<ReadonlyMap<string, unknown>> {
  const offsets = new Map<string, number>();
  return async () => {
    const events = new Map<string, unknown>();
    for (const { name: topic, partitions } of Object.values(SHOP_TOPICS)) {
      for (let partition = 0; partition < partitions; partition++) {
        const place = `${topic}/${partition}`;
        const fromOffset = offsets.get(place) ?? 0;
        for await (const batch of log.readToEnd({ topic, partition, fromOffset })) {
          offsets.set(place, batch.nextOffset);
          for (const { value } of batch.records) {
            const event = decodeEvent(value);
            events.set(event.eventId, event);
          }
        }
      }
    }
    return events;
  };
}

interface SentAndExpected {
  readonly sent: Record<string, unknown>;
  readonly expected: Record<string, unknown>;
}

/** Any event that the schemas and field rules allow, beside what has to be in the log. */
function anyEvent(): fc.Arbitrary<SentAndExpected> {
  return fc.oneof(
    ...PUBLIC_SCHEMAS.map((entry) => {
      const shape = shapeOf(entry);
      return anyRecord(shape).map(({ sent, expected }) => ({
        sent: { type: shape.name, ...sent },
        expected: { type: shape.name, ...expected },
      }));
    }),
  );
}

interface Pair {
  readonly sent: unknown;
  readonly expected: unknown;
}

function anyRecord(shape: RecordShape): fc.Arbitrary<SentAndExpected> {
  const fields = shape.fields.map((field) => {
    const value = anyValue(field.shape, field.name);
    if (field.fallback === undefined) return value;
    return fc.oneof(value, fc.constant({ sent: undefined, expected: field.fallback.value }));
  });
  return fc.tuple(...fields).map((pairs) => {
    const entries = (side: keyof Pair) => pairs.map((pair, index) => [shape.fields[index]?.name, pair[side]]);
    return {
      sent: Object.fromEntries(entries('sent')) as Record<string, unknown>,
      expected: Object.fromEntries(entries('expected')) as Record<string, unknown>,
    };
  });
}

const same = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<Pair> =>
  arbitrary.map((value) => ({ sent: value, expected: value }));

function anyValue(shape: Shape, field: string): fc.Arbitrary<Pair> {
  switch (shape.kind) {
    case 'record':
      return anyRecord(shape);
    case 'nullable':
      return fc.oneof(anyValue(shape.inner, field), same(fc.constant(null)));
    case 'array':
      return fc.array(anyValue(shape.items, field), { minLength: shape.min, maxLength: 4 }).map((pairs) => ({
        sent: pairs.map(({ sent }) => sent),
        expected: pairs.map(({ expected }) => expected),
      }));
    case 'enum':
      return same(fc.constantFrom(...shape.symbols));
    case 'boolean':
      return same(fc.boolean());
    case 'amount':
      return same(fc.oneof(fc.integer({ min: 0, max: MAX_SAFE_LONG }), fc.constant(MAX_SAFE_LONG)));
    case 'number': {
      const { min, max, nonZero } = shape.rule;
      const numbers = shape.whole ? fc.integer({ min, max }) : fc.double({ min, max, noNaN: true });
      // JSON has no negative zero.
      return same(numbers.filter((value) => !Object.is(value, -0) && !(nonZero === true && value === 0)));
    }
    case 'uuid':
      return same(fc.uuid());
    case 'instant':
      return fc
        .date({ min: new Date('2000-01-01T00:00:00Z'), max: new Date(NOW_MS), noInvalidDate: true })
        .chain((at) =>
          fc.constantFrom(at.getTime(), at.toISOString()).map((sent) => ({ sent, expected: at.getTime() })),
        );
    case 'text': {
      const { rule } = shape;
      // What has a form of its own is drawn from examples of it.
      if (rule.oneOf !== undefined) return same(fc.constantFrom(...rule.oneOf));
      if (field === 'path') return same(fc.webPath().map((path) => (path === '' ? '/' : path)));
      if (rule.pattern !== undefined && rule.minLength > 1) return same(fc.constant(FORMS[field]));
      if (field === 'ipPrefix') return same(fc.constantFrom('203.0.113.0/24', '2001:db8:1::/48'));
      return same(
        fc
          .string({ unit: 'binary', minLength: rule.minLength, maxLength: 40 })
          .filter(
            (text) =>
              rule.pattern?.test(text) !== false && !holdsCardNumber(text) && text.length <= rule.maxLength,
          ),
      );
    }
  }
}

const FORMS: Readonly<Record<string, string>> = { country: 'BR', traceparent: TRACE };
