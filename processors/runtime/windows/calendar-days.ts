import type { Span } from './span.ts';

const DAY_MS = 86_400_000;
/** Days remembered for each time zone; beyond it the memory starts anew. */
const MAX_DAYS = 4096;

/**
 * Finds the calendar day of a time zone that holds an instant, as an interval of epoch milliseconds. A day begins at the
 * first valid instant of its date (as `java.time` has it): at midnight, or where the clock jumps over midnight, right
 * after the jump. Days on which the clock is changed are shorter or longer than 24 h; a date that a zone has left out
 * is empty.
 *
 * Zone rules come from Intl. They are asked a few times for each day and remembered.
 *
 * @throws RangeError for an unknown time zone
 */
export function calendarDays(timeZone: string): (timeMs: number) => Span {
  const offsetMs = zoneOffsets(timeZone);
  const startOf = (day: number): number => startOfDay(day, offsetMs);
  const known = new Map<number, Span[]>();
  return (timeMs) => {
    const utcDay = Math.floor(timeMs / DAY_MS);
    const spans = known.get(utcDay) ?? [];
    const found = spans.find((span) => timeMs >= span.startMs && timeMs < span.endMs);
    if (found !== undefined) return found;
    let day = Math.floor((timeMs + offsetMs(timeMs)) / DAY_MS);
    // Where clocks are put back over midnight, a date comes up twice; the interval decides.
    while (timeMs >= startOf(day + 1)) day += 1;
    const span = { startMs: startOf(day), endMs: startOf(day + 1) };
    if (known.size >= MAX_DAYS) known.clear();
    known.set(utcDay, [...spans, span]);
    return span;
  };
}

/** First instant of a date, given as days since 1970-01-01 of its calendar. */
function startOfDay(day: number, offsetMs: (timeMs: number) => number): number {
  const midnightMs = day * DAY_MS;
  const beforeMs = offsetMs(midnightMs - DAY_MS);
  const afterMs = offsetMs(midnightMs + DAY_MS);
  if (beforeMs === afterMs) return midnightMs - beforeMs;
  const changeMs = changeBetween(midnightMs - DAY_MS, midnightMs + DAY_MS, offsetMs);
  if (midnightMs - beforeMs < changeMs) return midnightMs - beforeMs;
  return Math.max(midnightMs - afterMs, changeMs);
}

/** The instant at which the offset of `toMs` begins, found by bisection. */
function changeBetween(fromMs: number, toMs: number, offsetMs: (timeMs: number) => number): number {
  const after = offsetMs(toMs);
  let low = fromMs;
  let high = toMs;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMs(middle) === after) high = middle;
    else low = middle;
  }
  return high;
}

/** How far local clocks are ahead of UTC at an instant. */
function zoneOffsets(timeZone: string): (timeMs: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (timeMs) => {
    const part: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of format.formatToParts(timeMs)) part[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    const localMs = Date.UTC(year, month - 1, day, hour, minute, second);
    return localMs - Math.floor(timeMs / 1000) * 1000;
  };
}
