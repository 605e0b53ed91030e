import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SCHEMAS } from './registry.ts';
import type { MillraceEvent, PaymentCaptured, ProductViewed } from './generated/events.ts';
import { decodeEvent, encodeEvent, isRecord, MAX_SAFE_LONG, WireFormatError } from './wire-format.ts';

const view: ProductViewed = {
  type: 'ProductViewed',
  eventId: '018f2b1e-7d3a-7c11-9a55-3f1f4a7d9e01',
  eventTime: 1_700_000_000_000,
  ingestTime: 1_700_000_000_123,
  source: 'web',
  traceparent: null,
  anonymousId: 'device-1',
  userId: null,
  sessionId: 's-1',
  device: 'mobile',
  referrer: null,
  channel: 'live',
  bot: false,
  internal: false,
  itemId: 'item-7',
  recommendationId: null,
};

function faultOf(bytes: Buffer | null): string {
  try {
    decodeEvent(bytes);
  } catch (error) {
    if (error instanceof WireFormatError) return error.fault;
    throw error;
  }
  return 'none';
}

describe('wire format', () => {
  it('starts with a zero byte and the big-endian schema id', () => {
    const bytes = encodeEvent(view);
    const id = SCHEMAS.find((entry) => entry.record === 'ProductViewed')?.id ?? -1;
    expect(bytes[0]).toBe(0);
    expect(bytes.readInt32BE(1)).toBe(id);
  });

  it('gives back every record that its own schema can make', () => {
    for (const entry of SCHEMAS) {
      // avsc draws random values of a type: every branch of every union comes up.
      for (let draw = 0; draw < 20; draw++) {
        const value = entry.type.random() as object;
        const event = { ...value, type: entry.record } as MillraceEvent;
        const decoded = decodeEvent(encodeEvent(event));
        expect(decoded.type).toBe(entry.record);
        expect(entry.type.compare(decoded, value)).toBe(0);
      }
    }
  });

  it('keeps amounts, times and texts exactly', () => {
    const property = fc.property(
      fc.record({
        amountMinor: fc.integer({ min: -MAX_SAFE_LONG, max: MAX_SAFE_LONG }),
        eventTime: fc.integer({ min: 0, max: 4_102_444_800_000 }),
        orderId: fc.string({ minLength: 1, unit: 'grapheme' }),
      }),
      ({ amountMinor, eventTime, orderId }) => {
        const payment: PaymentCaptured = {
          type: 'PaymentCaptured',
          eventId: view.eventId,
          eventTime,
          ingestTime: eventTime,
          source: 'test',
          traceparent: null,
          orderId,
          paymentId: 'p',
          amount: { amountMinor, currency: 'BRL' },
          method: 'card',
          provider: 'test',
          cardFingerprint: null,
          deviceId: null,
          ipPrefix: null,
          fx: null,
          installments: 1,
        };
        const decoded = decodeEvent(encodeEvent(payment));
        expect(isRecord(decoded, 'PaymentCaptured')).toBe(true);
        expect(decoded).toMatchObject({ amount: { amountMinor }, eventTime, orderId });
      },
    );
    fc.assert(property);
  });

  it('says what is wrong with bytes that are no event', () => {
    const good = encodeEvent(view);
    const unknownId = Buffer.from(good);
    unknownId.writeInt32BE(9999, 1);
    expect(faultOf(null)).toBe('empty');
    expect(faultOf(Buffer.alloc(0))).toBe('empty');
    expect(faultOf(Buffer.from('{"json":true}'))).toBe('not-wire-format');
    expect(faultOf(unknownId)).toBe('unknown-schema-id');
    expect(faultOf(good.subarray(0, good.length - 4))).toBe('corrupt');
    expect(faultOf(good)).toBe('none');
  });

  it('never throws anything but a wire-format error, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.integer({ min: 1, max: SCHEMAS.length }),
        (body, id) => {
          const bytes = Buffer.concat([Buffer.from([0, 0, 0, 0, id]), body]);
          faultOf(bytes);
        },
      ),
    );
  });
});
