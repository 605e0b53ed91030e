/** Numbers, money and times as the reader's locale writes them. */

const locale = navigator.languages;
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 });
const percentage = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const minute = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' });
const dateAndTime = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'narrow' });

export const formatCount = (value) => whole.format(value);
export const formatPercent = (value) => percentage.format(value);
export const formatClock = (ms) => clock.format(ms);
export const formatMinute = (ms) => minute.format(ms);
export const formatDate = (ms) => dateAndTime.format(ms);

/** A short number for an axis. */
export const formatCompact = (value) => compact.format(value);

/** A rate: one digit after the point while it is small. */
export const formatRate = (value) => (value > 0 && value < 10 ? oneDigit : whole).format(value);

/**
 * Minor units of a currency. How many digits they have comes from the currency (JPY 0, EUR 2, KWD 3). Large amounts are
 * written shorter where `short` is set: without minor units, then compactly. A code that is no currency is shown as it is.
 */
export function formatMoney(amountMinor, currency, short = false) {
  try {
    const style = { style: 'currency', currency };
    const digits = new Intl.NumberFormat('en', style).resolvedOptions().maximumFractionDigits;
    const amount = amountMinor / 10 ** digits;
    return new Intl.NumberFormat(locale, { ...style, ...(short ? shortening(amount) : {}) }).format(amount);
  } catch (error) {
    if (error instanceof RangeError) return `${whole.format(amountMinor)} ${currency} (minor units)`;
    throw error;
  }
}

function shortening(amount) {
  if (Math.abs(amount) >= 1e6) return { notation: 'compact', maximumFractionDigits: 2 };
  return Math.abs(amount) >= 1e4 ? { maximumFractionDigits: 0 } : {};
}

const STEPS = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', Infinity],
];

/** `5 s ago`; a time a little ahead of this clock counts as now. */
export function formatAgo(thenMs, nowMs) {
  let amount = Math.max(0, (nowMs - thenMs) / 1000);
  for (const [unit, size] of STEPS) {
    if (amount < size) return relative.format(-Math.floor(amount), unit);
    amount /= size;
  }
  return '';
}

/** `card-velocity-burst` as `Card velocity burst`. */
export function formatKind(kind) {
  const words = kind.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A long id with its middle left out. */
export function shortId(id, length = 18) {
  if (id.length <= length) return id;
  const tail = Math.floor((length - 1) / 3);
  return `${id.slice(0, length - 1 - tail)}…${id.slice(-tail)}`;
}
