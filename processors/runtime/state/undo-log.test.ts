import { expect, test } from 'vitest';
import { KeyedStore } from './keyed-store.ts';
import { taskTime } from './store-environment.ts';
import { UndoLog } from './undo-log.ts';

function carefulStore() {
  const undo = new UndoLog();
  const store = new KeyedStore<{ n: number }>('s', {}, { taskId: 't', time: taskTime(), undo });
  store.set('a', { n: 1 });
  store.set('b', { n: 2 });
  undo.isActive = true;
  return { undo, store };
}

test('takes back in reverse what was noted since the last clear', () => {
  const undo = new UndoLog();
  const undone: number[] = [];
  undo.note(() => undone.push(0));
  undo.clear();
  undo.note(() => undone.push(1));
  undo.note(() => undone.push(2));
  undo.rollback();
  undo.rollback();
  expect(undone).toEqual([2, 1]);
});

test('a step that is undone leaves the entries as they were, also those that it changed in place', () => {
  const { undo, store } = carefulStore();
  const a = store.get('a');
  if (a !== undefined) a.n = 100;
  store.delete('b');
  store.set('c', { n: 3 });
  for (const [, value] of store.entries()) value.n = -1;
  undo.rollback();
  expect([...store.entries()]).toEqual([
    ['a', { n: 1 }],
    ['b', { n: 2 }],
  ]);
});

test('what was cleared stands', () => {
  const { undo, store } = carefulStore();
  store.set('a', { n: 10 });
  undo.clear();
  store.set('a', { n: 20 });
  undo.rollback();
  expect(store.get('a')).toEqual({ n: 10 });
});

test('whoever keeps an index is told what is put back', () => {
  const { undo, store } = carefulStore();
  const told: unknown[] = [];
  store.onPutBack = (key, value) => told.push([key, value]);
  store.delete('a');
  store.set('c', { n: 3 });
  undo.rollback();
  expect(told).toEqual([['a', { n: 1 }]]);
});

test('notes nothing while it is suspended or idle', () => {
  const { undo, store } = carefulStore();
  undo.suspended(() => store.set('a', { n: 10 }));
  expect(undo.isActive).toBe(true);
  undo.isActive = false;
  store.set('b', { n: 20 });
  undo.rollback();
  expect([store.get('a'), store.get('b')]).toEqual([{ n: 10 }, { n: 20 }]);
});
