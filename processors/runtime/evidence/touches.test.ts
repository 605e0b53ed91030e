import { describe, expect, test } from 'vitest';
import { KeyedStore } from '../state/keyed-store.ts';
import { taskTime } from '../state/store-environment.ts';
import { UndoLog } from '../state/undo-log.ts';
import { MAX_TOUCHED, MAX_TOUCHED_BYTES, Touches } from './touches.ts';

interface Value {
  readonly list: number[];
}

function recordedStore(ttlMs?: number) {
  const touches = new Touches();
  const time = taskTime();
  const env = { taskId: 't-0', time, undo: new UndoLog(), touches };
  const store = new KeyedStore<Value>('s', ttlMs === undefined ? {} : { ttlMs }, env);
  const step = (work: () => void) => {
    touches.clear();
    touches.isActive = true;
    work();
    touches.isActive = false;
    return touches.entries.map(({ key, value }) => [key, value === null ? null : value.toString()]);
  };
  return { store, touches, time, step };
}

describe('what a step touches', () => {
  test('is kept once, as it was before, though it is changed in place', () => {
    const { store, step } = recordedStore();
    store.set('a', { list: [1] });
    const seen = step(() => {
      const value = store.get('a');
      value?.list.push(2);
      store.set('a', { list: [...(value?.list ?? []), 3] });
      store.get('a');
    });
    expect(seen).toEqual([['a', '{"list":[1]}']]);
    expect(store.get('a')).toEqual({ list: [1, 2, 3] });
  });

  test('is an entry that is absent, written unread, deleted, or only asked for', () => {
    const { store, step } = recordedStore();
    store.set('there', { list: [] });
    store.set('gone', { list: [9] });
    const seen = step(() => {
      store.get('absent');
      store.has('there');
      store.set('new', { list: [1] });
      store.delete('gone');
    });
    expect(seen).toEqual([
      ['absent', null],
      ['there', '{"list":[]}'],
      ['new', null],
      ['gone', '{"list":[9]}'],
    ]);
  });

  test('is what a scan has yielded, and nothing behind that', () => {
    const { store, step } = recordedStore();
    for (const key of ['a', 'b', 'c']) store.set(key, { list: [] });
    const seen = step(() => {
      for (const [key] of store.entries()) if (key === 'b') break;
    });
    expect(seen.map(([key]) => key)).toEqual(['a', 'b']);
  });

  test('has the time of its last write, also where its time to live is over', () => {
    const { store, touches, time, step } = recordedStore(10);
    time.eventTimeMs = 100;
    store.set('a', { list: [] });
    time.watermarkMs = 200;
    step(() => expect(store.get('a')).toBeUndefined());
    expect(touches.entries).toMatchObject([{ key: 'a', writtenMs: 100 }]);
  });

  test('is nothing while nobody records', () => {
    const { store, touches } = recordedStore();
    store.set('a', { list: [] });
    store.get('a');
    expect(touches.entries).toEqual([]);
  });
});

describe('beyond its bounds', () => {
  const entry = (key: string, bytes: number) => ({
    ...{ store: 's', version: 1, layout: 'l', key, value: Buffer.alloc(bytes) },
  });

  test('the entries touched longest ago are left out, and that is told', () => {
    const touches = new Touches();
    for (let n = 0; n <= MAX_TOUCHED; n++) {
      touches.add(entry(String(n), 1));
      touches.isKnown('s', '0');
    }
    expect(touches.entries).toHaveLength(MAX_TOUCHED);
    expect(touches.entries.some(({ key }) => key === '1')).toBe(false);
    expect(touches.isKnown('s', '0')).toBe(true);
    expect(touches.isCut).toBe(true);
    touches.clear();
    expect([touches.entries, touches.isCut]).toEqual([[], false]);
  });

  test('bytes count as well, but one entry is always kept', () => {
    const touches = new Touches();
    touches.add(entry('small', 10));
    touches.add(entry('large', MAX_TOUCHED_BYTES + 1));
    expect(touches.entries.map(({ key }) => key)).toEqual(['large']);
    expect(touches.isCut).toBe(true);
  });
});
