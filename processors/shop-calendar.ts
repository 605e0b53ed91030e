import { calendarDays } from './runtime/windows/calendar-days.ts';

const DAY_MS = 86_400_000;
/** Days remembered; beyond it the memory starts anew. */
const MAX_DAYS = 4096;

/** A calendar day of the shop. */
export interface ShopDay {
  /** `2026-01-31`. */
  readonly date: string;
  /** Months since January 1970. */
  readonly month: number;
  /** Weeks, from Monday to Sunday, since the one of 1 January 1970. */
  readonly week: number;
}

/**
 * Finds the calendar day of a time zone that holds an instant.
 * @throws RangeError for an unknown time zone
 */
export function shopCalendar(timeZone: string): (timeMs: number) => ShopDay {
  const spanOf = calendarDays(timeZone);
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  const known = new Map<number, ShopDay>();
  return (timeMs) => {
    const { startMs } = spanOf(timeMs);
    let day = known.get(startMs);
    if (day === undefined) {
      if (known.size >= MAX_DAYS) known.clear();
      known.set(startMs, (day = shopDay(format.format(startMs))));
    }
    return day;
  };
}

function shopDay(date: string): ShopDay {
  const [year = 1970, month = 1] = date.split('-').map(Number);
  return {
    date,
    month: (year - 1970) * 12 + month - 1,
    week: Math.floor((Date.parse(date) / DAY_MS + 3) / 7),
  };
}

/** First day of a month, such as `2026-01-01`. */
export function firstDayOfMonth(month: number): string {
  return isoDate(Date.UTC(1970, month, 1));
}

/** Monday of a week. */
export function firstDayOfWeek(week: number): string {
  return isoDate((week * 7 - 3) * DAY_MS);
}

function isoDate(utcMs: number): string {
  return new Date(utcMs).toISOString().slice(0, 10);
}
