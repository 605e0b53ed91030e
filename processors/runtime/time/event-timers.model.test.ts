import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyedStore } from '../state/keyed-store.ts';
import { taskTime } from '../state/store-environment.ts';
import { UndoLog } from '../state/undo-log.ts';
import { EventTimers } from './event-timers.ts';

type Call = { readonly key: string; readonly dueMs: number | undefined };

const key = fc.constantFrom('a', 'b', 'c', 'd');
const call = fc.record({ key, dueMs: fc.option(fc.nat(60), { nil: undefined }) });
const move = fc.oneof(
  fc.record({ calls: fc.array(call, { maxLength: 4 }), fails: fc.boolean() }),
  fc.record({ advanceBy: fc.nat(15) }),
  fc.constant('restart' as const),
);

function carefulTimers() {
  const undo = new UndoLog();
  undo.isActive = true;
  const env = { taskId: 't', time: taskTime(), undo };
  const fired: [string, number][] = [];
  const start = (log: readonly (readonly [string, number])[]) => {
    const store = new KeyedStore<number>('timers', {}, env);
    for (const [key, dueMs] of log) store.restore(key, Buffer.from(String(dueMs)));
    const timers = new EventTimers(store, (key, dueMs) => fired.push([key, dueMs]));
    timers.rebuild();
    return timers;
  };
  return { undo, fired, start };
}

test('fires each timer once, at its last time, through moves, steps that are undone and restarts', () => {
  fc.assert(
    fc.property(fc.array(move, { size: 'max', maxLength: 40 }), (moves) => {
      const { undo, fired, start } = carefulTimers();
      let timers = start([]);
      const due = new Map<string, number>();
      let nowMs = 0;
      const apply = ({ key, dueMs }: Call) => {
        if (dueMs === undefined) timers.cancel(key);
        else timers.set(key, nowMs + dueMs);
      };
      for (const each of moves) {
        undo.clear();
        if (each === 'restart') timers = start([...due]);
        else if ('calls' in each) {
          each.calls.forEach(apply);
          if (each.fails) undo.rollback();
          else
            for (const { key, dueMs } of each.calls) {
              if (dueMs === undefined) due.delete(key);
              else due.set(key, nowMs + dueMs);
            }
        } else {
          nowMs += each.advanceBy;
          fired.length = 0;
          timers.advance(nowMs);
          const expected = [...due]
            .filter(([, dueMs]) => dueMs <= nowMs)
            .sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1));
          for (const [key] of expected) due.delete(key);
          expect(fired).toEqual(expected);
        }
        for (const key of ['a', 'b', 'c', 'd']) expect(timers.dueMs(key)).toBe(due.get(key));
      }
    }),
  );
});

test('timers that fired in a step that is undone fire again', () => {
  const { undo, fired, start } = carefulTimers();
  const timers = start([
    ['a', 10],
    ['b', 20],
  ]);
  timers.advance(15);
  undo.rollback();
  timers.advance(25);
  expect(fired).toEqual([
    ['a', 10],
    ['a', 10],
    ['b', 20],
  ]);
});
