import fc from 'fast-check';
import { expect, test } from 'vitest';
import { firstDayOfMonth, firstDayOfWeek, shopCalendar } from './shop-calendar.ts';

const at = (text: string) => Date.parse(text);

test('a day begins at midnight of the shop, in winter and in summer', () => {
  const dayOf = shopCalendar('Europe/Berlin');
  const dates = ['2026-01-31T22:59:59.999Z', '2026-01-31T23:00Z', '2026-07-31T21:59Z', '2026-07-31T22:00Z'];
  expect(dates.map((text) => dayOf(at(text)).date)).toEqual([
    '2026-01-31',
    '2026-02-01',
    '2026-07-31',
    '2026-08-01',
  ]);
});

test('the first day of a month is in the month, that of a week a Monday, and both are named by their dates', () => {
  const dayOf = shopCalendar('Asia/Tokyo');
  const { month, week } = dayOf(at('2026-03-01T00:00+09:00'));
  expect([firstDayOfMonth(month), firstDayOfWeek(week)]).toEqual(['2026-03-01', '2026-02-23']);
  expect(firstDayOfMonth(month - 3)).toBe('2025-12-01');
  expect(firstDayOfWeek(dayOf(at('2026-03-02T00:00+09:00')).week)).toBe('2026-03-02');
});

test('weeks have seven days and months the days of their calendar, without a gap', () => {
  const dayOf = shopCalendar('America/Sao_Paulo');
  const noon = fc.date({ min: new Date('1975-01-01'), max: new Date('2060-01-01'), noInvalidDate: true });
  fc.assert(
    fc.property(noon, (date) => {
      const day = dayOf(date.getTime());
      const local = new Date(`${day.date}T00:00Z`);
      expect(day.month).toBe((local.getUTCFullYear() - 1970) * 12 + local.getUTCMonth());
      const monday = new Date(`${firstDayOfWeek(day.week)}T00:00Z`);
      expect(monday.getUTCDay()).toBe(1);
      const days = (local.getTime() - monday.getTime()) / 86_400_000;
      expect(days >= 0 && days < 7).toBe(true);
    }),
  );
});
