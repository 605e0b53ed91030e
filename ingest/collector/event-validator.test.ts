import { describe, expect, test } from 'vitest';
import { PUBLIC_SCHEMAS } from '../public-event.ts';
import { shapeOf } from './avro-shape.ts';
import { exampleOf } from './event-example.ts';
import { createEventValidator } from './event-validator.ts';

const NOW_MS = Date.UTC(2025, 10, 3, 12);
const validate = createEventValidator();
const VISA = '4111 1111 1111 1111';

const example = (record: string): Record<string, unknown> => {
  const entry = PUBLIC_SCHEMAS.find((schema) => schema.record === record);
  if (entry === undefined) throw new Error(`no record ${record}`);
  return structuredClone(exampleOf(shapeOf(entry)));
};
const faultOf = (event: unknown) => {
  const validated = validate(event, NOW_MS);
  if (validated.ok) throw new Error('the event is valid');
  return validated.fault;
};
/** The record's example with changes; a change to undefined leaves the field out. */
const changed = (record: string, changes: Record<string, unknown>) => {
  const event = { ...example(record), ...changes };
  for (const [name, value] of Object.entries(event))
    if (value === undefined) Reflect.deleteProperty(event, name);
  return event;
};

describe('a valid event', () => {
  test.each(PUBLIC_SCHEMAS.map(({ record }) => record))('is the example of %s', (record) => {
    expect(validate(example(record), NOW_MS)).toMatchObject({ ok: true, event: { type: record } });
  });

  test('covers every record that a shop sends, and none that Millrace makes', () => {
    const names = PUBLIC_SCHEMAS.map(({ record }) => record);
    expect(names).toHaveLength(27);
    expect(names).toContain('LabelAssigned');
    expect(names).not.toContain('AlertRaised');
    expect(names).not.toContain('RecommendationsServed');
  });

  test('has the defaults of its schema where optional fields are left out', () => {
    const event = changed('ProductViewed', {
      traceparent: undefined,
      userId: undefined,
      sessionId: undefined,
      device: undefined,
      referrer: undefined,
      bot: undefined,
      internal: undefined,
      recommendationId: undefined,
    });
    expect(validate(event, NOW_MS)).toEqual({
      ok: true,
      event: {
        type: 'ProductViewed',
        eventId: event['eventId'],
        eventTime: Date.UTC(2025, 10, 3, 10, 15, 30, 250),
        source: 'web',
        traceparent: null,
        anonymousId: 'device-7f3c',
        userId: null,
        sessionId: null,
        device: null,
        referrer: null,
        channel: 'web',
        bot: false,
        internal: false,
        itemId: 'item-1',
        recommendationId: null,
      },
    });
  });

  test('may be five minutes ahead of the clock, with an eventId in capitals of another version', () => {
    const eventId = 'F47AC10B-58CC-4372-A567-0E02B2C3D479';
    const given = changed('OrderConfirmed', { eventTime: NOW_MS + 300_000, eventId });
    expect(validate(given, NOW_MS)).toMatchObject({ ok: true, event: { eventId: eventId.toLowerCase() } });
  });

  test('may promise a delivery in the future', () => {
    const given = changed('ShipmentCreated', { promisedTime: NOW_MS + 86_400_000 });
    expect(validate(given, NOW_MS).ok).toBe(true);
  });
});

describe('an invalid event', () => {
  test.each([null, 5, 'text', [], true])('is %j', (given) => {
    expect(faultOf(given)).toEqual({
      code: 'MR_INGEST_INVALID_EVENT',
      message: 'an event needs to be an object',
    });
  });

  test.each([undefined, null, 7, 'Nothing', 'AlertRaised', 'RiskDecided', '__proto__', 'constructor'])(
    'has the type %j',
    (type) =>
      expect(faultOf(changed('OrderPlaced', { type }))).toMatchObject({
        code: 'MR_INGEST_UNKNOWN_EVENT',
        field: 'type',
      }),
  );

  const money = (amountMinor: unknown, currency: unknown = 'EUR') => ({ amountMinor, currency });
  const line = (changes: Record<string, unknown>) => [
    { itemId: 'i', quantity: 1, unitPrice: money(5), ...changes },
  ];
  test.each<[string, string, Record<string, unknown>, string, string?]>([
    ['misses a field', 'OrderPlaced', { orderId: undefined }, 'orderId'],
    ['has null for a needed field', 'OrderPlaced', { orderId: null }, 'orderId'],
    ['has a number for a text', 'OrderPlaced', { orderId: 5 }, 'orderId'],
    ['has an empty id', 'OrderPlaced', { orderId: '' }, 'orderId'],
    ['has a long id', 'OrderPlaced', { orderId: 'x'.repeat(129) }, 'orderId'],
    ['has an id with a line break', 'OrderPlaced', { orderId: 'a\nb' }, 'orderId'],
    ['has half a character', 'OrderPlaced', { orderId: 'a\ud800' }, 'orderId'],
    ['has an e-mail address for a user', 'OrderPlaced', { buyerId: 'jane@example.com' }, 'buyerId'],
    ['has no UUID', 'OrderPlaced', { eventId: 'order-1' }, 'eventId'],
    [
      'has a UUID of no variant',
      'OrderPlaced',
      { eventId: '0192f0c1-2b3c-7d4e-cf5a-6b7c8d9e0f1a' },
      'eventId',
    ],
    ['has the nil UUID', 'OrderPlaced', { eventId: '00000000-0000-0000-0000-000000000000' }, 'eventId'],
    ['has an unknown mode', 'OrderPlaced', { mode: 'b2x' }, 'mode'],
    ['has no lines', 'OrderPlaced', { lines: [] }, 'lines'],
    ['has an object for a list', 'OrderPlaced', { lines: {} }, 'lines'],
    ['has a line that is none', 'OrderPlaced', { lines: ['x'] }, 'lines[0]'],
    ['has no quantity', 'OrderPlaced', { lines: line({ quantity: 0 }) }, 'lines[0].quantity'],
    ['has half a quantity', 'OrderPlaced', { lines: line({ quantity: 1.5 }) }, 'lines[0].quantity'],
    [
      'has a quantity beyond an int',
      'OrderPlaced',
      { lines: line({ quantity: 2 ** 31 }) },
      'lines[0].quantity',
    ],
    ['has an unknown currency', 'OrderPlaced', { total: money(5, 'EUX') }, 'total.currency'],
    ['has a currency in small letters', 'OrderPlaced', { total: money(5, 'eur') }, 'total.currency'],
    ['has half a minor unit', 'OrderPlaced', { total: money(5.5) }, 'total.amountMinor'],
    ['has an amount as text', 'OrderPlaced', { total: money('5') }, 'total.amountMinor'],
    ['has an amount of 2^52 or more', 'OrderPlaced', { total: money(2 ** 52) }, 'total.amountMinor'],
    ['has an unknown field', 'OrderPlaced', { userID: 'u' }, 'userID'],
    ['has an unknown field below', 'OrderPlaced', { total: { ...money(5), vat: 1 } }, 'total.vat'],
    ['sets the ingest time', 'OrderPlaced', { ingestTime: NOW_MS }, 'ingestTime'],
    ['has a time before 2000', 'OrderPlaced', { eventTime: 1_762_164_930 }, 'eventTime'],
    ['has a time without offset', 'OrderPlaced', { eventTime: '2025-11-03T10:15:30' }, 'eventTime'],
    ['has a bad trace', 'OrderPlaced', { traceparent: 'x'.repeat(55) }, 'traceparent'],
    ['has null where there is a default', 'PageViewed', { bot: null }, 'bot'],
    ['has a query in the path', 'PageViewed', { path: '/reset?token=1' }, 'path'],
    ['has a long query', 'SearchPerformed', { query: 'x'.repeat(1025) }, 'query'],
    ['has too many items', 'ListViewed', { itemIds: Array(501).fill('i') }, 'itemIds'],
    ['has an empty id in a list', 'ListViewed', { itemIds: ['i', ''] }, 'itemIds[1]'],
    ['changes nothing', 'CartChanged', { quantityDelta: 0 }, 'quantityDelta'],
    ['has a whole address', 'PaymentCaptured', { ipPrefix: '203.0.113.7' }, 'ipPrefix'],
    ['has no rate', 'PaymentCaptured', { fx: { reportingCurrency: 'EUR', rate: 0 } }, 'fx.rate'],
    ['lies off the globe', 'ShipmentScanned', { latitude: 91 }, 'latitude'],
    ['comes from no country', 'UserUpserted', { country: 'Germany' }, 'country'],
    [
      'is a little too far ahead',
      'OrderPlaced',
      { eventTime: NOW_MS + 300_001 },
      'eventTime',
      'MR_INGEST_FUTURE_EVENT',
    ],
    [
      'has a negative total',
      'OrderPlaced',
      { total: money(-1) },
      'total.amountMinor',
      'MR_INGEST_NEGATIVE_AMOUNT',
    ],
    [
      'has a negative price',
      'OrderPlaced',
      { lines: line({ unitPrice: money(-1) }) },
      'lines[0].unitPrice.amountMinor',
      'MR_INGEST_NEGATIVE_AMOUNT',
    ],
    ['has a card in a search', 'SearchPerformed', { query: VISA }, 'query', 'MR_INGEST_CARD_NUMBER'],
    ['has a card in a path', 'PageViewed', { path: '/4111111111111111' }, 'path', 'MR_INGEST_CARD_NUMBER'],
    ['has a card in a reason', 'PaymentFailed', { reason: VISA }, 'reason', 'MR_INGEST_CARD_NUMBER'],
    [
      'has a card for its fingerprint',
      'PaymentCaptured',
      { cardFingerprint: VISA },
      'cardFingerprint',
      'MR_INGEST_CARD_NUMBER',
    ],
  ])('%s', (...[, record, changes, field, code = 'MR_INGEST_INVALID_EVENT']) => {
    expect(faultOf(changed(record, changes))).toMatchObject({ code, field });
  });

  test('is described without any of its values', () => {
    const values = ['s3cr3t-value', 'jane@example.com', '4111111111111111'];
    for (const value of values) {
      for (const name of Object.keys(example('PaymentFailed'))) {
        const validated = validate(changed('PaymentFailed', { [name]: [value] }), NOW_MS);
        expect(validated.ok).toBe(false);
        expect(JSON.stringify(validated)).not.toContain(value);
      }
      const fault = faultOf(changed('PaymentFailed', { [`${value} `]: 1 }));
      expect(fault.field).toBe('(unnamed)');
    }
  });
});
