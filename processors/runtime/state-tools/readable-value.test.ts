import { expect, test } from 'vitest';
import { encodeEvent } from '../../../schemas/wire-format.ts';
import { T0, viewOf } from '../../../test/harness/shop-events.ts';
import { readableValue } from './readable-value.ts';

test('JSON of any layout is told as what it is', () => {
  const bytes = Buffer.from('{"views":3,"seen":["a"]}');
  for (const layout of ['keyed(json)', 'tumbling(60000)/count', 'table-join', null])
    expect(readableValue(bytes, layout)).toEqual({ kind: 'json', value: { views: 3, seen: ['a'] } });
});

test('events of the registry, text, and times of timers are decoded by their layout', () => {
  const view = viewOf('item-1', T0);
  expect(readableValue(encodeEvent(view), 'keyed(events)')).toEqual({ kind: 'json', value: { ...view } });
  expect(readableValue(Buffer.from('äh'), 'keyed(text)')).toEqual({ kind: 'text', value: 'äh' });
  expect(readableValue(Buffer.from('1000'), 'timers')).toEqual({
    kind: 'json',
    value: { dueMs: 1000, due: '1970-01-01T00:00:01.000Z' },
  });
});

test('ids of the duplicate filter are told as UUIDs', () => {
  const ids = ['01a21203-b1b1-722d-ab77-d188884e5810', '01a21203-b3a1-7020-bf42-8eaef888b7fe'];
  const bytes = Buffer.from(ids.join('').replaceAll('-', ''), 'hex');
  expect(readableValue(bytes, 'event-ids')).toEqual({ kind: 'json', value: { ids } });
});

test('what nobody can decode here stays bytes, with a note', () => {
  const bytes = Buffer.from([0xff, 0x00, 0x10]);
  expect(readableValue(bytes, 'keyed(protobuf)')).toEqual({
    kind: 'bytes',
    value: '/wAQ',
    note: '3 bytes of the codec of keyed(protobuf), in Base64',
  });
  expect(readableValue(bytes, 'keyed(events)').kind).toBe('bytes');
  expect(readableValue(Buffer.from('no json'), null).kind).toBe('bytes');
});
