import type { PlainFieldConfig } from './model/grafana-types.ts';
import type { Unit } from './model/units.ts';

const CURRENCY_UNITS: Readonly<Record<string, Unit>> = {
  BRL: 'currencyBRL',
  EUR: 'currencyEUR',
  GBP: 'currencyGBP',
  JPY: 'currencyJPY',
  USD: 'currencyUSD',
};

/** The symbol of the common currencies; a regular expression, since it must match the name with or without label. */
export const currencyOverrides: PlainFieldConfig['overrides'] = Object.entries(CURRENCY_UNITS).map(
  ([currency, unit]) => ({
    matcher: { id: 'byRegexp', options: `/\\b${currency}\\b/` },
    properties: [{ id: 'unit', value: unit }],
  }),
);
