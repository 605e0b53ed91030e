import { expect, test } from 'vitest';
import { calendarDays } from './calendar-days.ts';

const HOUR_MS = 3_600_000;

/** The day that holds an instant: its first instant and how many hours it has. */
function dayOf(timeZone: string, at: string): readonly [start: string, hours: number] {
  const { startMs, endMs } = calendarDays(timeZone)(Date.parse(at));
  return [new Date(startMs).toISOString(), (endMs - startMs) / HOUR_MS];
}

test('a day is what the clocks of the zone show', () => {
  expect(dayOf('UTC', '2025-06-01T23:59:59.999Z')).toEqual(['2025-06-01T00:00:00.000Z', 24]);
  expect(dayOf('Europe/Berlin', '2025-06-01T21:59:59.999Z')).toEqual(['2025-05-31T22:00:00.000Z', 24]);
  expect(dayOf('Europe/Berlin', '2025-06-01T22:00:00.000Z')).toEqual(['2025-06-01T22:00:00.000Z', 24]);
  expect(dayOf('Asia/Kolkata', '2025-06-01T18:30:00.000Z')).toEqual(['2025-06-01T18:30:00.000Z', 24]);
  expect(dayOf('Asia/Kathmandu', '2025-06-01T18:15:00.000Z')).toEqual(['2025-06-01T18:15:00.000Z', 24]);
});

test('days on which clocks are changed have 23 and 25 hours', () => {
  expect(dayOf('Europe/Berlin', '2025-03-30T12:00:00Z')).toEqual(['2025-03-29T23:00:00.000Z', 23]);
  expect(dayOf('Europe/Berlin', '2025-10-26T12:00:00Z')).toEqual(['2025-10-25T22:00:00.000Z', 25]);
  expect(dayOf('America/New_York', '2025-03-09T12:00:00Z')).toEqual(['2025-03-09T05:00:00.000Z', 23]);
  expect(dayOf('America/New_York', '2025-11-02T12:00:00Z')).toEqual(['2025-11-02T04:00:00.000Z', 25]);
  expect(dayOf('Australia/Lord_Howe', '2025-04-06T00:00:00Z')).toEqual(['2025-04-05T13:00:00.000Z', 24.5]);
});

test('a day without a midnight begins after the jump', () => {
  expect(dayOf('America/Sao_Paulo', '2018-11-04T12:00:00Z')).toEqual(['2018-11-04T03:00:00.000Z', 23]);
  expect(dayOf('America/Sao_Paulo', '2018-02-17T12:00:00Z')).toEqual(['2018-02-17T02:00:00.000Z', 25]);
});

test('a midnight that comes twice belongs to the day that it begins', () => {
  expect(dayOf('America/Havana', '2024-11-03T04:30:00Z')).toEqual(['2024-11-03T04:00:00.000Z', 25]);
  expect(dayOf('America/Havana', '2024-11-03T05:30:00Z')).toEqual(['2024-11-03T04:00:00.000Z', 25]);
});

test('a date that comes up twice is one interval from its first instant', () => {
  // At 00:01 clocks went back to 23:01 of the day before.
  const secondEvening = '2010-11-07T02:45:00Z';
  expect(dayOf('America/St_Johns', secondEvening)).toEqual(['2010-11-07T02:30:00.000Z', 25]);
  expect(dayOf('America/St_Johns', '2010-11-07T02:29:59Z')).toEqual(['2010-11-06T02:30:00.000Z', 24]);
});

test('a date that was left out has no instant', () => {
  expect(dayOf('Pacific/Apia', '2011-12-30T09:59:59Z')).toEqual(['2011-12-29T10:00:00.000Z', 24]);
  expect(dayOf('Pacific/Apia', '2011-12-30T10:00:00Z')).toEqual(['2011-12-30T10:00:00.000Z', 24]);
});

test('the days of years follow each other without gap or overlap', () => {
  for (const timeZone of ['Europe/Berlin', 'America/Havana', 'Africa/Casablanca', 'Pacific/Apia']) {
    const dayHolding = calendarDays(timeZone);
    const untilMs = Date.UTC(2013, 0, 1);
    let day = dayHolding(Date.UTC(2010, 0, 1));
    while (day.endMs < untilMs) {
      const next = dayHolding(day.endMs);
      expect(next.startMs).toBe(day.endMs);
      expect(dayHolding(next.endMs - 1)).toEqual(next);
      day = next;
    }
  }
});

test('the first day holds the epoch', () => {
  expect(dayOf('America/New_York', '1970-01-01T00:00:00Z')).toEqual(['1969-12-31T05:00:00.000Z', 24]);
});

test('a zone that does not exist is refused', () => {
  expect(() => calendarDays('Europe/Atlantis')).toThrow(RangeError);
});
