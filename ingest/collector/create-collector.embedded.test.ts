import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Secret, parseConfig } from '../../platform/config.ts';
import { openEmbeddedLog } from '../../platform/kafka/embedded/index.ts';
import type { Kafka, LogRecord, Producer } from '../../platform/kafka/port.ts';
import { silentLogger } from '../../platform/log.ts';
import { createMetrics } from '../../platform/metrics.ts';
import { namespaced, topicsOf } from '../../schemas/topics.ts';
import { decodeEvent } from '../../schemas/wire-format.ts';
import { topicOfRecord, type PublicRecordName } from '../public-event.ts';
import { uuidV7 } from '../../platform/uuid-v7.ts';
import { createCollector, type CollectorOptions } from './create-collector.ts';

const NAMESPACE = 'test';
const KEY = 'a-key-of-more-than-16';
const NOW_MS = Date.UTC(2025, 10, 3, 12);
const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

let folder: string;
let kafka: Kafka;
let producer: Producer;
let app: FastifyInstance;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mr-collector-'));
  kafka = await openEmbeddedLog({ dir: folder, log: silentLogger(), fsync: false });
  await kafka.admin.ensureTopics(
    topicsOf(NAMESPACE).map(({ name, partitions }) => ({ topic: name, partitions })),
  );
  producer = kafka.producer();
  app = collector();
});
afterEach(async () => {
  await app.close();
  await kafka.close();
  await rm(folder, { recursive: true });
});

function collector(
  options: Partial<CollectorOptions> = {},
  env: Record<string, string> = {},
): FastifyInstance {
  return createCollector({
    producer,
    namespace: NAMESPACE,
    config: parseConfig(env).ingest,
    keys: [new Secret('another-key-of-this-shop'), new Secret(KEY)],
    metrics: createMetrics(),
    log: silentLogger(),
    now: () => NOW_MS,
    ...options,
  });
}

/** Starts another collector in place of the first. */
async function restart(options: Partial<CollectorOptions>, env: Record<string, string> = {}): Promise<void> {
  await app.close();
  app = collector(options, env);
}

const post = (body: unknown, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> =>
  app.inject({
    method: 'POST',
    url: '/v1/events',
    headers: { 'content-type': 'application/json', 'x-api-key': KEY, ...headers },
    payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  });

let ids = 0;
const newId = (): string => uuidV7(NOW_MS, Buffer.from((++ids).toString(16).padStart(20, '0'), 'hex'));
const view = (changes: Record<string, unknown> = {}) => ({
  type: 'ProductViewed',
  eventId: newId(),
  eventTime: NOW_MS,
  source: 'web',
  anonymousId: 'device-1',
  channel: 'web',
  itemId: 'item-1',
  ...changes,
});

async function recordsOf(record: PublicRecordName): Promise<readonly (LogRecord & { partition: number })[]> {
  const { name, partitions } = topicOfRecord(record);
  const found: (LogRecord & { partition: number })[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    for await (const batch of kafka.readToEnd({ topic: namespaced(NAMESPACE, name), partition })) {
      found.push(...batch.records.map((entry) => ({ ...entry, partition })));
    }
  }
  return found;
}
const storedIds = async (record: PublicRecordName): Promise<readonly string[]> =>
  (await recordsOf(record)).map(({ value }) => decodeEvent(value).eventId);

describe('a valid request', () => {
  test('with one event: it is in the log, keyed and stamped by the contract, when the answer comes', async () => {
    const event = view();
    const answer = await post(event, { traceparent: TRACE });
    expect(answer.statusCode).toBe(202);
    expect(answer.json()).toEqual({ accepted: 1, duplicates: 0, rejected: [] });
    const [record, ...others] = await recordsOf('ProductViewed');
    expect(others).toEqual([]);
    expect(record?.key?.toString()).toBe('device-1');
    expect(record?.timestampMs).toBe(NOW_MS);
    expect(decodeEvent(record?.value ?? null)).toEqual({
      ...event,
      ingestTime: NOW_MS,
      traceparent: TRACE,
      userId: null,
      sessionId: null,
      device: null,
      referrer: null,
      bot: false,
      internal: false,
      recommendationId: null,
    });
  });

  test.each([
    ['an array', (events: unknown[]) => events],
    ['an object', (events: unknown[]) => ({ events })],
  ])('with %s of events of several topics', async (_, wrap) => {
    const order = {
      type: 'OrderConfirmed',
      eventId: newId(),
      eventTime: NOW_MS,
      source: 'shop',
      orderId: 'o-1',
    };
    const answer = await post(wrap([view(), order, view()]));
    expect(answer.statusCode).toBe(202);
    expect(answer.json()).toEqual({ accepted: 3, duplicates: 0, rejected: [] });
    expect(await recordsOf('ProductViewed')).toHaveLength(2);
    expect(await storedIds('OrderConfirmed')).toEqual([order.eventId]);
  });

  test('without events is accepted', async () => {
    expect((await post([])).json()).toEqual({ accepted: 0, duplicates: 0, rejected: [] });
  });

  test('keeps the trace that an event brings, and leaves out a header that is none', async () => {
    const own = TRACE.replace('4bf9', '1111');
    await post([view({ traceparent: own }), view()], { traceparent: TRACE });
    await post(view(), { traceparent: 'nonsense' });
    const traces = (await recordsOf('ProductViewed')).map(({ value }) => decodeEvent(value).traceparent);
    expect(traces.toSorted()).toEqual([TRACE, own, null].toSorted());
  });

  test('takes the key as a bearer token too', async () => {
    const answer = await app.inject({
      method: 'POST',
      url: '/v1/events',
      headers: { authorization: `Bearer ${KEY}` },
      payload: view(),
    });
    expect(answer.statusCode).toBe(202);
  });
});

describe('a repeated event', () => {
  test('that was acknowledged counts as safe and is not written again', async () => {
    const event = view();
    await post(event);
    expect((await post(event)).json()).toEqual({ accepted: 0, duplicates: 1, rejected: [] });
    const mixed = await post([event, view()]);
    expect(mixed.statusCode).toBe(202);
    expect(mixed.json()).toEqual({ accepted: 1, duplicates: 1, rejected: [] });
    expect(await recordsOf('ProductViewed')).toHaveLength(2);
  });

  test('in the same request is rejected', async () => {
    const event = view();
    const answer = await post([event, { ...event, itemId: 'item-2' }, view()]);
    expect(answer.statusCode).toBe(207);
    expect(answer.json()).toMatchObject({
      accepted: 2,
      rejected: [{ index: 1, eventId: event.eventId, code: 'MR_INGEST_DUPLICATE_ID', field: 'eventId' }],
    });
  });

  test('is not remembered where Kafka did not acknowledge it', async () => {
    const event = view();
    await producer.close();
    expect((await post(event)).statusCode).toBe(503);
    await restart({ producer: kafka.producer() });
    expect((await post(event)).json()).toMatchObject({ accepted: 1, duplicates: 0 });
  });
});

describe('a bad request', () => {
  const errorOf = (answer: LightMyRequestResponse) =>
    answer.json<{ error: { code: string; field?: string } }>().error;

  test.each([
    ['no JSON', '{"type": "Prod'],
    ['nothing', ''],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
  ])('with %s as body', async (_, body) => {
    const answer = await post(body);
    expect(answer.statusCode).toBe(400);
    expect(errorOf(answer).code).toBe('MR_INGEST_MALFORMED_JSON');
    expect(errorOf(answer)).toHaveProperty('fix');
  });

  test('without a body', async () => {
    const answer = await app.inject({ method: 'POST', url: '/v1/events', headers: { 'x-api-key': KEY } });
    expect(answer.statusCode).toBe(400);
    expect(errorOf(answer).code).toBe('MR_INGEST_MALFORMED_JSON');
  });

  test.each([
    ['text', { 'content-type': 'text/plain' }],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['packed', { 'content-encoding': 'gzip' }],
  ])('that is %s', async (_, headers) => {
    const answer = await post(view(), headers);
    expect(answer.statusCode).toBe(415);
    expect(errorOf(answer).code).toBe('MR_INGEST_UNSUPPORTED_MEDIA');
  });

  test('that is too large', async () => {
    await restart({}, { MR_INGEST_MAX_BODY_BYTES: '2048' });
    const answer = await post(view({ itemId: 'x'.repeat(2048) }));
    expect(answer.statusCode).toBe(413);
    expect(errorOf(answer).code).toBe('MR_INGEST_BODY_TOO_LARGE');
  });

  test('with too many events', async () => {
    await restart({}, { MR_INGEST_MAX_EVENTS: '2' });
    expect((await post([view(), view()])).statusCode).toBe(202);
    const answer = await post([view(), view(), view()]);
    expect(answer.statusCode).toBe(413);
    expect(errorOf(answer).code).toBe('MR_INGEST_TOO_MANY_EVENTS');
    expect(await recordsOf('ProductViewed')).toHaveLength(2);
  });

  test('with events that are no list', async () => {
    const answer = await post({ events: view() });
    expect(answer.statusCode).toBe(400);
    expect(errorOf(answer).code).toBe('MR_INGEST_INVALID_EVENT');
  });

  test.each([
    ['MR_INGEST_INVALID_EVENT', { itemId: '' }, 'itemId'],
    ['MR_INGEST_UNKNOWN_EVENT', { type: 'AlertRaised' }, 'type'],
    ['MR_INGEST_FUTURE_EVENT', { eventTime: NOW_MS + 300_001 }, 'eventTime'],
    [
      'MR_INGEST_NEGATIVE_AMOUNT',
      { type: 'CartChanged', quantityDelta: 1, unitPrice: { amountMinor: -1, currency: 'EUR' } },
      'unitPrice.amountMinor',
    ],
    ['MR_INGEST_CARD_NUMBER', { device: '4111-1111-1111-1111' }, 'device'],
  ])('with one event: %s', async (code, changes, field) => {
    const event = view(changes);
    const answer = await post(event);
    expect(answer.statusCode).toBe(400);
    expect(errorOf(answer)).toMatchObject({ code, field, eventId: event.eventId });
    expect(answer.body).not.toContain('4111');
  });

  test('with some valid events: those are written, the others named by their place', async () => {
    const good = view();
    const answer = await post([view({ channel: 'fax' }), good, 'x', view({ eventId: 'secret' })]);
    expect(answer.statusCode).toBe(207);
    expect(answer.json()).toMatchObject({
      accepted: 1,
      rejected: [
        { index: 0, code: 'MR_INGEST_INVALID_EVENT', field: 'channel' },
        { index: 2, code: 'MR_INGEST_INVALID_EVENT' },
        { index: 3, code: 'MR_INGEST_INVALID_EVENT', field: 'eventId' },
      ],
    });
    expect(answer.body).not.toContain('secret');
    expect(answer.body).not.toContain('fax');
    expect(await storedIds('ProductViewed')).toEqual([good.eventId]);
  });

  test('with no valid event in its list', async () => {
    const answer = await post([view({ itemId: 5 }), {}]);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({
      accepted: 0,
      duplicates: 0,
      rejected: [{ index: 0 }, { index: 1 }],
    });
    expect(await recordsOf('ProductViewed')).toEqual([]);
  });

  test.each([
    ['no key', { 'x-api-key': '' }, 401, 'MR_INGEST_KEY_MISSING'],
    ['a wrong key', { 'x-api-key': `${KEY}x` }, 403, 'MR_INGEST_KEY_INVALID'],
  ])('with %s', async (_, headers, status, code) => {
    const answer = await post('{"broken', headers);
    expect(answer.statusCode).toBe(status);
    expect(errorOf(answer).code).toBe(code);
    expect(answer.body).not.toContain(KEY);
  });
});

describe('Kafka', () => {
  test('that does not take events: nothing is acknowledged, the client is told to come back', async () => {
    await producer.close();
    const answer = await post([view(), view({ itemId: '' })]);
    expect(answer.statusCode).toBe(503);
    expect(answer.json<{ error: { code: string } }>().error.code).toMatch(
      /^MR_KAFKA_(UNAVAILABLE|PRODUCE_FAILED)$/,
    );
    expect(answer.headers['retry-after']).toBe('1');
    expect(await recordsOf('ProductViewed')).toEqual([]);
  });

  test('that is slow: no more than the bound waits, and then it goes on', async () => {
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    let entered: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => (entered = resolve));
    const send: Producer['send'] = async (records) => {
      entered();
      await gate;
      return producer.send(records);
    };
    await restart({ maxInFlightEvents: 3, producer: { send, close: async () => undefined } });
    const first = post([view(), view()]);
    await waiting;
    const second = await post([view(), view()]);
    expect(second.statusCode).toBe(503);
    expect(second.json()).toMatchObject({ error: { code: 'MR_INGEST_OVERLOADED' } });
    expect(second.headers['retry-after']).toBe('1');
    open();
    expect((await first).json()).toMatchObject({ accepted: 2 });
    expect((await post([view(), view()])).json()).toMatchObject({ accepted: 2 });
    expect((await post(Array.from({ length: 10 }, () => view()))).json()).toMatchObject({ accepted: 10 });
    expect(await recordsOf('ProductViewed')).toHaveLength(14);
  });
});

describe('the other routes', () => {
  test('tell health and metrics', async () => {
    await restart({ ready: async () => [{ name: 'kafka', ok: false }] });
    await post([view(), view({ itemId: '' })]);
    expect((await app.inject('/health/live')).statusCode).toBe(200);
    expect((await app.inject('/health/ready')).statusCode).toBe(503);
    const metrics = (await app.inject('/metrics')).body;
    expect(metrics).toContain('millrace_ingest_events_total{result="accepted"} 1');
    expect(metrics).toContain('millrace_ingest_events_total{result="rejected"} 1');
    expect(metrics).toContain('millrace_ingest_request_seconds_count 1');
  });

  test('answer browsers of allowed origins only', async () => {
    const preflight = (origin: string) =>
      app.inject({
        method: 'OPTIONS',
        url: '/v1/events',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
    expect((await preflight('https://shop.example.com')).statusCode).toBe(403);
    await restart({ allowedOrigins: ['https://shop.example.com'] });
    const allowed = await preflight('https://shop.example.com');
    expect(allowed.statusCode).toBe(204);
    expect(allowed.headers['access-control-allow-origin']).toBe('https://shop.example.com');
    expect((await preflight('https://evil.example.com')).statusCode).toBe(403);
    const sent = await post(view(), { origin: 'https://shop.example.com' });
    expect(sent.headers['access-control-allow-origin']).toBe('https://shop.example.com');
    const refused = await post(view(), { origin: 'https://evil.example.com' });
    expect(refused.headers).not.toHaveProperty('access-control-allow-origin');
  });
});
