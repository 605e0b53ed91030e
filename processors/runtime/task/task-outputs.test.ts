import { expect, test } from 'vitest';
import { shopEvent, T0 } from '../../../test/harness/shop-events.ts';
import { decodeEvent } from '../../../schemas/wire-format.ts';
import { UndoLog } from '../state/undo-log.ts';
import { TaskOutputs } from './task-outputs.ts';

function outputs(taskEpoch = 1) {
  const made = new TaskOutputs({
    partition: 4,
    topicName: (topic) => `ns.${topic}`,
    now: () => T0,
    undo: new UndoLog(),
  });
  made.taskEpoch = taskEpoch;
  return made;
}

const recordAt = (offset: number) => ({
  topic: 'shop.orders',
  partition: 4,
  offset,
  ingestTimeMs: T0,
  event: shopEvent('OrderConfirmed'),
});

test('a fact carries its place in the log; further rows of one record are numbered', () => {
  const out = outputs();
  out.fact('orders', recordAt(7), { order_id: 'a' });
  out.fact('orders', recordAt(7), { order_id: 'b' });
  out.fact('orders', recordAt(8), { order_id: 'c' });
  expect(out.take().facts.get('orders')).toEqual([
    { _topic: 'ns.shop.orders', _partition: 4, _offset: 7, _ordinal: 0, order_id: 'a' },
    { _topic: 'ns.shop.orders', _partition: 4, _offset: 7, _ordinal: 1, order_id: 'b' },
    { _topic: 'ns.shop.orders', _partition: 4, _offset: 8, _ordinal: 0, order_id: 'c' },
  ]);
});

test('versions rise with each emission, and with a new epoch above all of the old', () => {
  const versions = [1, 2].flatMap((taskEpoch) => {
    const out = outputs(taskEpoch);
    out.versionedRow('w', {});
    const online = [out.nextVersion()];
    out.versionedRow('w', {});
    return [...(out.take().results.get('w') ?? []).map((row) => row['version'] as number), ...online].sort(
      (a, b) => a - b,
    );
  });
  expect(versions).toEqual([1, 2, 3, 4, 5, 6].map((n) => 2 ** 40 * (n > 3 ? 2 : 1) + (n > 3 ? n - 3 : n)));
});

test('a window row carries partition and time of emission', () => {
  const out = outputs();
  out.versionedRow('w', { window_start: 1 });
  expect(out.take().results.get('w')).toEqual([
    { window_start: 1, partition: 4, emitted_at: T0, version: 2 ** 40 + 1 },
  ]);
});

test('events are encoded for their topic in the namespace; what was taken is gone', () => {
  const out = outputs();
  const event = shopEvent('UserActed');
  out.produce('millrace.user-activity', 'user-1', event);
  out.notify('alerts', 'hello');
  expect([out.pending, out.hasNotices]).toEqual([1, true]);
  const { records } = out.take();
  expect(records).toMatchObject([{ topic: 'ns.millrace.user-activity', key: 'user-1', timestampMs: T0 }]);
  expect(decodeEvent(records[0]?.value ?? null)).toEqual(event);
  expect(out.takeNotices()).toEqual([{ channel: 'alerts', message: 'hello' }]);
  expect([out.pending, out.hasNotices, out.take().records]).toEqual([0, false, []]);
});

test('a row stays as it was said, whatever becomes of the lists of the state that it was made of', () => {
  const out = outputs();
  const state = { ids: ['a'], levels: [{ depth: 1 }], byName: { a: [1] } };
  out.versionedRow('sessions', { ...state });
  out.fact('orders', recordAt(7), { ...state });
  state.ids.push('b');
  for (const level of state.levels) level.depth = 2;
  state.byName.a.push(2);
  const { facts, results } = out.take();
  const said = { ids: ['a'], levels: [{ depth: 1 }], byName: { a: [1] } };
  expect(results.get('sessions')).toMatchObject([said]);
  expect(facts.get('orders')).toMatchObject([said]);
});
