import { expect, test } from 'vitest';
import { countWindow, hopping, onClose, session, sliding, tumbling, type WindowSpec } from './index.ts';
import { total, WindowHarness } from './window-harness.contract.ts';

function layoutsOf(window: WindowSpec) {
  return new WindowHarness({ window, aggregator: total(), emit: onClose() }).layouts;
}

test('stores carry the layout of windows and aggregator, so that state of another is refused', () => {
  expect(layoutsOf(tumbling({ sizeMs: 60 }))).toEqual({ w: 'tumbling(60)/total', 'w-horizon': undefined });
  expect(layoutsOf(hopping({ sizeMs: 60, slideMs: 10 }))['w']).toBe('hopping(60,10)/total');
  expect(layoutsOf(sliding({ sizeMs: 60 }))['w']).toBe('sliding(60)/total');
  expect(layoutsOf(session({ gapMs: 60 }))['w']).toBe('session(60)/total');
  expect(layoutsOf(countWindow({ size: 6, slide: 2 }))).toEqual({
    w: 'count(6,2)/total',
    'w-slices': 'count(6,2)/total',
  });
});

test('an aggregator that packs must unpack', () => {
  const aggregator = { ...total(), layout: 'half', pack: (accumulator: number) => accumulator };
  expect(() => new WindowHarness({ window: tumbling({ sizeMs: 1 }), aggregator, emit: onClose() })).toThrow(
    new TypeError('aggregator half must have both pack and unpack, or neither'),
  );
});

test('what an aggregator refuses is thrown, and no window comes of it', () => {
  const aggregator = {
    ...total(),
    add: (accumulator: number, value: number) => {
      if (value < 0) throw new RangeError('no negative values');
      return accumulator + value;
    },
  };
  for (const window of [
    tumbling({ sizeMs: 60 }),
    hopping({ sizeMs: 60, slideMs: 20 }),
    sliding({ sizeMs: 60 }),
  ]) {
    const harness = new WindowHarness({ window, aggregator, emit: onClose() });
    expect(() => harness.add('a', -1, 5)).toThrow(RangeError);
    harness.advance(1000);
    expect(harness.emitted).toEqual([]);
  }
});
