import { expect, test } from 'vitest';
import { dayStoreName, dayStoresOfOtherZones } from './zone-stores.ts';

test('a zone has one name, however it is written, and leaves those of all others behind', () => {
  expect(dayStoreName('europe/berlin')).toBe(dayStoreName('Europe/Berlin'));
  const others = new Set(dayStoresOfOtherZones('europe/berlin'));
  expect(others.has(dayStoreName('Europe/Berlin'))).toBe(false);
  for (const zone of ['UTC', ...Intl.supportedValuesOf('timeZone')])
    expect(others.has(dayStoreName(zone))).toBe(dayStoreName(zone) !== dayStoreName('Europe/Berlin'));
});

test('no two zones share a name', () => {
  const zones = Intl.supportedValuesOf('timeZone');
  expect(new Set(zones.map(dayStoreName)).size).toBe(new Set(zones).size);
});
