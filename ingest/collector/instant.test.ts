import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseInstant } from './instant.ts';

describe('parseInstant', () => {
  test.each([
    ['2025-11-03T10:15:30Z', Date.UTC(2025, 10, 3, 10, 15, 30)],
    ['2025-11-03T10:15Z', Date.UTC(2025, 10, 3, 10, 15)],
    ['2025-11-03T10:15:30.250Z', Date.UTC(2025, 10, 3, 10, 15, 30, 250)],
    ['2025-11-03T10:15:30.2509999Z', Date.UTC(2025, 10, 3, 10, 15, 30, 250)],
    ['2025-11-03T10:15:30+02:00', Date.UTC(2025, 10, 3, 8, 15, 30)],
    ['2025-11-03T10:15:30-0330', Date.UTC(2025, 10, 3, 13, 45, 30)],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    [1_762_164_930_250, 1_762_164_930_250],
  ])('reads %s', (given, expected) => expect(parseInstant(given)).toBe(expected));

  test.each([
    '2025-11-03T10:15:30',
    '2025-11-03',
    '2025-02-29T00:00:00Z',
    '2024-02-30T00:00:00Z',
    '2025-13-01T00:00:00Z',
    '2025-11-03T24:00:00Z',
    '2025-11-03T10:60:00Z',
    '2025-11-03 10:15:30Z',
    '1762164930250',
    'yesterday',
    '',
    1.5,
    Number.NaN,
    2 ** 60,
    null,
    {},
  ])('does not read %j', (given) => expect(parseInstant(given)).toBeUndefined());

  test('reads what Date writes', () => {
    const date = fc.date({
      min: new Date(0),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(date, (at) => {
        expect(parseInstant(at.toISOString())).toBe(at.getTime());
      }),
    );
  });
});
