import { describe, expect, test } from 'vitest';
import type { LogRecord } from '../../../platform/kafka/port.ts';
import { deadLetter } from '../task/dead-letter.ts';
import { deadResult } from '../task/result-aside.ts';
import { letterHead } from './letter.ts';
import { masked, maskedText } from './masked.ts';
import { redrivenRecord } from './redriven.ts';

const side = { topicName: (topic: string) => `ns.${topic}`, nowMs: 5000 };
const PLACE = { topic: 'ns.shop.orders.dlq', partition: 3 };
const FAULT = {
  code: 'MR_SCHEMA_DECODE',
  reason: 'no record',
  step: 'decode',
  subtopology: 'orders',
} as const;

/** A record as it comes back from the topic of dead letters. */
function letterOf(record: Partial<LogRecord> = {}): LogRecord {
  const read = {
    ...{
      offset: 42,
      timestampMs: 1000,
      key: Buffer.from('order-1'),
      value: Buffer.from([0, 255]),
      headers: {},
    },
    ...record,
  };
  const made = deadLetter({ topic: 'shop.orders', partition: 3, offset: 42, record: read }, FAULT, side);
  const key = made.key === null ? null : Buffer.from(made.key as string);
  return { offset: 7, timestampMs: 5000, key, value: made.value, headers: made.headers ?? {} };
}

/** What a redrive makes of a letter. */
function sentOf(record: LogRecord) {
  const letter = letterHead(PLACE, record);
  if (letter.target?.kind !== 'topic') throw new Error('it has no topic to go to');
  return redrivenRecord(letter, record, letter.target);
}

test('a record goes back to its place as it came, with its attempt', () => {
  expect(letterHead(PLACE, letterOf())).toMatchObject({
    ...{ code: 'MR_SCHEMA_DECODE', step: 'decode', subtopology: 'orders', attempt: 1, obstacle: undefined },
    origin: { topic: 'ns.shop.orders', partition: 3, offset: 42 },
  });
  expect(sentOf(letterOf({ headers: { trace: 'abc' } }))).toEqual({
    ...{ topic: 'ns.shop.orders', partition: 3, key: Buffer.from('order-1'), value: Buffer.from([0, 255]) },
    headers: {
      ...{ trace: 'abc', 'mr-attempt': '1', 'mr-event-time': '1000' },
      'mr-redriven-from': 'ns.shop.orders.dlq/3/7',
    },
  });
});

test('its event time and its attempts go on from letter to letter', () => {
  const first = sentOf(letterOf({ headers: { 'mr-event-time': '900' } }));
  const second = letterOf({ headers: first.headers ?? {}, timestampMs: 4000 });
  expect(letterHead(PLACE, second).attempt).toBe(2);
  expect(sentOf(second).headers).toMatchObject({ 'mr-attempt': '2', 'mr-event-time': '900' });
});

test('a key that is no text goes back byte for byte', () => {
  const key = Buffer.from([0xff, 0, 0xfe]);
  expect(sentOf(letterOf({ key })).key).toEqual(key);
  expect(sentOf(letterOf({ key: null })).key).toBeNull();
});

describe('what cannot be sent says why', () => {
  const obstacleOf = (record: LogRecord) => letterHead(PLACE, record).obstacle;

  test('what was cut', () => {
    expect(obstacleOf(letterOf({ value: Buffer.alloc(15 * 1024 * 1024 + 1) }))).toMatch(/only the beginning/);
  });

  test('a result that time caused', () => {
    const result = { key: 'a', value: { n: 1 }, eventTimeMs: 1 };
    const made = deadResult({ topic: 'shop.orders', partition: 3 }, result, {
      ...side,
      subtopology: 'orders',
      fault: FAULT,
    });
    const record = { offset: 0, timestampMs: 1, key: null, value: made.value, headers: made.headers ?? {} };
    expect(obstacleOf(record)).toMatch(/result of a window or a timer/);
  });

  test('headers that are missing or say nothing', () => {
    const { headers } = letterOf();
    const bad = [
      {},
      { ...headers, 'mr-origin-partition': 'x' },
      { ...headers, 'mr-origin-offset': '-1' },
      { ...headers, 'mr-origin-offset': '99999999999999999999' },
      { ...headers, 'mr-origin-topic': '' },
    ];
    for (const one of bad)
      expect(obstacleOf({ ...letterOf(), headers: one })).toBe('its headers do not say where it came from');
    expect(letterHead(PLACE, { ...letterOf(), headers: { 'mr-attempt': 'many' } })).toMatchObject({
      ...{ code: null, step: null, reason: null, attempt: 0 },
    });
  });

  test('a value of the online store', () => {
    expect(obstacleOf({ ...letterOf(), headers: { 'mr-target-key': 'k' } })).toMatch(/online store/);
  });
});

test('a refused record and a refused row go to their targets', () => {
  const to = (headers: Record<string, string>) =>
    letterHead(PLACE, { ...letterOf(), headers: { ...letterOf().headers, ...headers } }).target;
  expect(to({ 'mr-target-topic': 't', 'mr-target-partition': '2' })).toEqual({
    ...{ kind: 'topic', topic: 't', partition: 2 },
  });
  expect(to({ 'mr-target-topic': 't' })).toMatchObject({ topic: 't', partition: undefined });
  expect(to({ 'mr-target-table': 'clicks' })).toEqual({ kind: 'table', table: 'clicks' });
});

test('personal fields are masked at any depth, amounts are not', () => {
  const order = {
    ...{ orderId: 'order-1', buyerId: 'user-123456', buyer_id: 'user-123456', total: { amountMinor: 999 } },
    lines: [{ itemId: 'item-1', query: 'red shoes for anna' }],
  };
  expect(masked(order)).toEqual({
    ...{ orderId: 'order-1', buyerId: 'user…(11)', buyer_id: 'user…(11)', total: { amountMinor: 999 } },
    lines: [{ itemId: 'item-1', query: 'red …(18)' }],
  });
  expect(maskedText('abc')).toBe('…');
});
