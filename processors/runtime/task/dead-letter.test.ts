import { expect, test } from 'vitest';
import type { LogRecord } from '../../../platform/kafka/port.ts';
import { deadLetter, lateRecord } from './dead-letter.ts';

const NOW_MS = Date.parse('2026-01-02T03:04:05.678Z');
const side = { topicName: (topic: string) => `ns.${topic}`, nowMs: NOW_MS };

function raw(record: Partial<LogRecord> = {}) {
  return {
    topic: 'shop.orders',
    partition: 3,
    offset: 42,
    record: {
      offset: 42,
      timestampMs: 1,
      key: Buffer.from('order-1'),
      value: Buffer.from([0, 1, 255]),
      headers: { trace: 'abc' },
      ...record,
    },
  };
}

const FAULT = {
  code: 'MR_SCHEMA_DECODE',
  reason: 'the value is no record of schema 7',
  step: 'decode',
  subtopology: 'orders',
} as const;

test('a dead letter has the original bytes, key and headers, and says what failed, where and when', () => {
  expect(deadLetter(raw(), FAULT, side)).toEqual({
    topic: 'ns.shop.orders.dlq',
    key: 'order-1',
    partition: 3,
    value: Buffer.from([0, 1, 255]),
    timestampMs: NOW_MS,
    headers: {
      trace: 'abc',
      'mr-code': 'MR_SCHEMA_DECODE',
      'mr-reason': 'the value is no record of schema 7',
      'mr-step': 'decode',
      'mr-subtopology': 'orders',
      'mr-attempt': '1',
      'mr-origin-topic': 'ns.shop.orders',
      'mr-origin-partition': '3',
      'mr-origin-offset': '42',
      'mr-origin-timestamp': '1',
      'mr-time': '2026-01-02T03:04:05.678Z',
    },
  });
});

test('a record that was dead-lettered before counts its attempts', () => {
  const first = deadLetter(raw(), FAULT, side);
  const second = deadLetter(raw({ headers: first.headers ?? {} }), FAULT, side);
  expect(second.headers?.['mr-attempt']).toBe('2');
  const strange = deadLetter(raw({ headers: { 'mr-attempt': 'many' } }), FAULT, side);
  expect(strange.headers?.['mr-attempt']).toBe('1');
});

test('a key that is no text keeps its bytes in a header', () => {
  const key = Buffer.from([0xff, 0x00, 0xfe]);
  expect(deadLetter(raw({ key }), FAULT, side).headers?.['mr-origin-key-base64']).toBe(
    key.toString('base64'),
  );
  expect(deadLetter(raw({ key: null }), FAULT, side)).toMatchObject({ key: null, partition: 3 });
});

test('a record without a value stays without one', () => {
  expect(deadLetter(raw({ value: null }), FAULT, side).value).toBeNull();
});

test('a late event names the window that it missed, and by how much', () => {
  const windowStartMs = Date.parse('2026-01-02T03:00:00Z');
  const missed = { windowStartMs, windowEndMs: windowStartMs + 60_000, watermarkMs: windowStartMs + 95_000 };
  expect(lateRecord(raw(), missed, side)).toMatchObject({
    topic: 'ns.shop.orders.late',
    key: 'order-1',
    partition: 3,
    headers: {
      trace: 'abc',
      'mr-window-start': '2026-01-02T03:00:00.000Z',
      'mr-window-end': '2026-01-02T03:01:00.000Z',
      'mr-lateness-ms': '35000',
      'mr-origin-offset': '42',
    },
  });
});

test('of a record that no topic takes, the beginning is kept, and how long it was', () => {
  const whole = Buffer.alloc(15 * 1024 * 1024, 'x');
  const letter = (value: Buffer) => deadLetter(raw({ value }), FAULT, side);
  expect(letter(whole).value).toBe(whole);
  expect(letter(whole).headers).not.toHaveProperty('mr-cut-from-bytes');
  const cut = letter(Buffer.concat([whole, Buffer.from('y')]));
  expect(cut.value).toEqual(whole.subarray(0, 64 * 1024));
  expect(cut.headers?.['mr-cut-from-bytes']).toBe(String(whole.length + 1));
});
