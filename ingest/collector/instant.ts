/** Points in time as clients write them. */

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:Z|([+-])(\d{2}):?(\d{2}))$/;
const MINUTE_MS = 60_000;

/**
 * Epoch ms of an instant: a whole number of epoch ms, or ISO 8601 with date, time and offset (`Z` or `±hh:mm`; digits
 * below milliseconds are cut off). Undefined where it is neither, and for dates that no calendar has.
 */
export function parseInstant(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined;
  return typeof value === 'string' ? parseIso(value) : undefined;
}

function parseIso(text: string): number | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const part = (index: number) => Number(match[index] ?? 0);
  const millis = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const offsetMinutes = (match[8] === '-' ? -1 : 1) * (part(9) * 60 + part(10));
  if (part(4) > 23 || part(5) > 59 || part(6) > 59 || part(9) > 23 || part(10) > 59) return undefined;
  const dayMs = Date.UTC(part(1), part(2) - 1, part(3));
  const day = new Date(dayMs);
  if (day.getUTCMonth() !== part(2) - 1 || day.getUTCDate() !== part(3)) return undefined;
  return dayMs + ((part(4) * 60 + part(5)) * 60 + part(6)) * 1000 + millis - offsetMinutes * MINUTE_MS;
}
