/** Where the simulated shop sells and where its parcels travel. */
import type { Money, PaymentMethod } from '../../schemas/generated/events.ts';
import { createWeighted, type Draw } from '../../platform/random.ts';

export interface Place {
  readonly name: string;
  readonly latitude: number;
  readonly longitude: number;
}

export interface Market {
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  /** ISO 4217. */
  readonly currency: string;
  /** Digits of the minor unit. */
  readonly digits: number;
  /** Units of the currency for one euro: made up, and fixed. */
  readonly perEuro: number;
  readonly share: number;
  readonly methods: readonly PaymentMethod[];
  readonly cities: readonly Place[];
}

const WESTERN: readonly PaymentMethod[] = [
  'card',
  'card',
  'card',
  'card',
  'debitCard',
  'bankTransfer',
  'voucher',
];
const CHINESE: readonly PaymentMethod[] = ['alipay', 'alipay', 'wechatPay', 'wechatPay', 'unionPay'];

const place = (name: string, latitude: number, longitude: number): Place => ({ name, latitude, longitude });

export const MARKETS: readonly Market[] = [
  {
    country: 'DE',
    currency: 'EUR',
    digits: 2,
    perEuro: 1,
    share: 30,
    methods: WESTERN,
    cities: [place('Berlin', 52.52, 13.4), place('Hamburg', 53.55, 9.99), place('Munich', 48.14, 11.58)],
  },
  {
    country: 'FR',
    currency: 'EUR',
    digits: 2,
    perEuro: 1,
    share: 20,
    methods: WESTERN,
    cities: [place('Paris', 48.86, 2.35), place('Lyon', 45.76, 4.84), place('Lille', 50.63, 3.06)],
  },
  {
    country: 'US',
    currency: 'USD',
    digits: 2,
    perEuro: 1.1,
    share: 20,
    methods: WESTERN,
    cities: [place('Chicago', 41.88, -87.63), place('Dallas', 32.78, -96.8), place('Newark', 40.74, -74.17)],
  },
  {
    country: 'CN',
    currency: 'CNY',
    digits: 2,
    perEuro: 7.8,
    share: 15,
    methods: CHINESE,
    cities: [
      place('Shanghai', 31.23, 121.47),
      place('Shenzhen', 22.54, 114.06),
      place('Chengdu', 30.57, 104.07),
    ],
  },
  {
    country: 'BR',
    currency: 'BRL',
    digits: 2,
    perEuro: 6,
    share: 10,
    methods: WESTERN,
    cities: [place('São Paulo', -23.55, -46.63), place('Recife', -8.05, -34.88)],
  },
  {
    country: 'JP',
    currency: 'JPY',
    digits: 0,
    perEuro: 160,
    share: 5,
    methods: WESTERN,
    cities: [place('Tokyo', 35.68, 139.69), place('Osaka', 34.69, 135.5)],
  },
];

export const drawMarket: Draw<Market> = createWeighted(MARKETS, (market) => market.share);

/** A price in euro cents as money of a market, at least one minor unit. */
export function priceIn(market: Market, euroCents: number): Money {
  const amountMinor = Math.max(1, Math.round((euroCents / 100) * market.perEuro * 10 ** market.digits));
  return { amountMinor, currency: market.currency };
}
