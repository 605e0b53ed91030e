/**
 * The unit ids of Grafana's value formats that the dashboards use. Grafana draws an id that it does not know as a
 * suffix, without an error, so that only ids of this list pass the compiler and the lint.
 */
export const UNITS = [
  'short',
  'locale',
  'none',
  'percentunit',
  's',
  'ms',
  'µs',
  'bytes',
  'eps',
  'epm',
  'recps',
  'cpm',
  'wps',
  'dateTimeAsIso',
  'currencyBRL',
  'currencyEUR',
  'currencyGBP',
  'currencyJPY',
  'currencyUSD',
] as const;
export type Unit = (typeof UNITS)[number];
