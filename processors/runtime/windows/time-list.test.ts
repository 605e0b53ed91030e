import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TimeList } from './time-list.ts';

test('holds what a sorted array holds', () => {
  const insertion = fc.record({
    kind: fc.constant('insert' as const),
    timeMs: fc.integer({ min: 0, max: 300 }),
  });
  const operations = fc.array(fc.oneof(insertion, fc.constant({ kind: 'drop' as const })), {
    maxLength: 300,
  });
  fc.assert(
    fc.property(operations, fc.integer({ min: -1, max: 301 }), (all, probeMs) => {
      const list = new TimeList<{ readonly timeMs: number }>();
      let times: number[] = [];
      for (const operation of all) {
        if (operation.kind === 'drop') {
          if (times.length > 0) list.dropFirst();
          times = times.slice(1);
        } else if (!times.includes(operation.timeMs)) {
          list.insert({ timeMs: operation.timeMs });
          times = [...times, operation.timeMs].sort((a, b) => a - b);
        }
        expect(list.length).toBe(times.length);
      }
      expect(times.map((_, index) => list.at(index)?.timeMs)).toEqual(times);
      expect(list.at(times.length)).toBeUndefined();
      expect(list.first?.timeMs).toBe(times[0]);
      expect(list.last?.timeMs).toBe(times.at(-1));
      expect(list.indexFrom(probeMs)).toBe(times.filter((timeMs) => timeMs < probeMs).length);
      expect(list.find(probeMs)?.timeMs).toBe(times.find((timeMs) => timeMs === probeMs));
    }),
  );
});
