/**
 * What the Avro schemas do not say: bounds and forms of fields, by the field's name, which means the same in every
 * record. Field names are part of the contract, so a new record gets its rules by naming its fields as the others do.
 */

export interface TextRule {
  readonly minLength: number;
  /** In UTF-16 code units. */
  readonly maxLength: number;
  /** Free text and card fields are searched for card numbers; ids are not, since long numeric ids look alike. */
  readonly noCardNumber: boolean;
  readonly pattern?: RegExp;
  readonly oneOf?: ReadonlySet<string>;
  /** What the field needs, as the end of a sentence that starts with its name. */
  readonly needs: string;
}

export interface NumberRule {
  readonly min: number;
  readonly max: number;
  readonly nonZero?: boolean;
}

/** Most elements of any array of an event. */
export const MAX_ARRAY_ITEMS = 500;
/** 2000-01-01T00:00:00Z: an older time is a mistake of the unit. */
export const MIN_TIME_MS = 946_684_800_000;
/** 2200-01-01T00:00:00Z. */
export const MAX_TIME_MS = 7_258_118_400_000;
/** How far ahead of the collector's clock an eventTime may be. */
export const MAX_CLOCK_SKEW_MS = 300_000;

const ID: TextRule = {
  minLength: 1,
  maxLength: 128,
  noCardNumber: false,

  pattern: /^[^\u0000-\u001f\u007f]+$/,
  needs: 'needs 1 to 128 characters without control characters',
};
const PSEUDONYM: TextRule = {
  ...ID,

  pattern: /^[^\u0000-\u001f\u007f@]+$/,
  needs: 'needs a pseudonym of 1 to 128 characters, never an e-mail address',
};
const FREE_TEXT: TextRule = {
  minLength: 0,
  maxLength: 1024,
  noCardNumber: true,
  needs: 'needs a text of at most 1024 characters',
};
const CURRENCY: TextRule = {
  minLength: 3,
  maxLength: 3,
  noCardNumber: false,
  oneOf: new Set(Intl.supportedValuesOf('currency')),
  needs: 'needs a currency code of ISO 4217, such as EUR',
};

const TEXT_RULES: Readonly<Record<string, TextRule>> = {
  source: { ...ID, maxLength: 64, needs: 'needs 1 to 64 characters without control characters' },
  anonymousId: PSEUDONYM,
  userId: PSEUDONYM,
  buyerId: PSEUDONYM,
  cardFingerprint: { ...ID, noCardNumber: true },
  currency: CURRENCY,
  reportingCurrency: CURRENCY,
  country: {
    minLength: 2,
    maxLength: 2,
    noCardNumber: false,
    pattern: /^[A-Z]{2}$/,
    needs: 'needs a country code of ISO 3166-1, such as DE',
  },
  traceparent: {
    minLength: 55,
    maxLength: 55,
    noCardNumber: false,
    pattern: /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/,
    needs: 'needs the form of W3C Trace Context',
  },
  ipPrefix: {
    minLength: 1,
    maxLength: 43,
    noCardNumber: false,
    pattern: /^(?:(?:\d{1,3}\.){3}0\/24|(?:[0-9a-fA-F]{1,4}:){1,3}:\/48)$/,
    needs: 'needs a /24 or /48 prefix, such as 203.0.113.0/24, never a whole address',
  },
  path: {
    minLength: 1,
    maxLength: 2048,
    noCardNumber: true,
    pattern: /^\/[^?#]*$/,
    needs: 'needs a path from / on, of at most 2048 characters, without query and fragment',
  },
};

const NON_NEGATIVE: NumberRule = { min: 0, max: Infinity };
const NUMBER_RULES: Readonly<Record<string, NumberRule>> = {
  quantity: { min: 1, max: Infinity },
  quantityDelta: { min: -Infinity, max: Infinity, nonZero: true },
  resultCount: NON_NEGATIVE,
  position: NON_NEGATIVE,
  installments: NON_NEGATIVE,
  latitude: { min: -90, max: 90 },
  longitude: { min: -180, max: 180 },
  temperatureCelsius: { min: -273.15, max: 1000 },
  rate: { min: Number.MIN_VALUE, max: Number.MAX_VALUE },
};

/** The rule of a text field; `itemIds` follows the rule of `itemId`. */
export function textRule(field: string): TextRule {
  const own = TEXT_RULES[field];
  if (own !== undefined) return own;
  return /Ids?$/.test(field) ? ID : FREE_TEXT;
}

/** The rule of a number field; undefined where only the type counts. */
export function numberRule(field: string): NumberRule | undefined {
  return NUMBER_RULES[field];
}

/** Fewest elements of an array field. */
export function minItems(field: string): number {
  return field === 'lines' ? 1 : 0;
}
