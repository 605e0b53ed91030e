import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PairedSlices } from './paired-slices.ts';

test('all places of a slice are in the same windows, and a slide has at most two slices', () => {
  const measures = fc
    .record({ size: fc.integer({ min: 1, max: 40 }), slide: fc.nat(39), offset: fc.nat(39) })
    .map(({ size, slide, offset }) => ({
      size,
      slide: 1 + (slide % size),
      offset: offset % (1 + (slide % size)),
    }));
  fc.assert(
    fc.property(measures, ({ size, slide, offset }) => {
      const slices = new PairedSlices({ size, slide, offset });
      const firstOfAll = offset === 0 ? 0 : offset - slide;
      const starts = Array.from({ length: 200 }, (_, n) => firstOfAll + n * slide);
      const windowsOf = (place: number) => starts.filter((start) => start <= place && place < start + size);
      const found = new Set<number>();
      for (let place = 0; place < 3 * slide + size; place++) {
        const { start, end } = slices.sliceOf(place);
        found.add(start);
        expect(place).toBeGreaterThanOrEqual(start);
        expect(place).toBeLessThan(end);
        expect(slices.sliceOf(end).start).toBe(end);
        const windows = windowsOf(place);
        expect([slices.firstStart(place), slices.lastStart(place)]).toEqual([windows[0], windows.at(-1)]);
        if (start >= 0) expect(windowsOf(start)).toEqual(windows);
        const closedTo = place + 3;
        const open = starts.find((s) => s + size > closedTo);
        expect(slices.firstStart(place, closedTo)).toBe(open);
      }
      expect(found.size).toBeLessThanOrEqual(2 * (4 + size / slide));
    }),
  );
});
