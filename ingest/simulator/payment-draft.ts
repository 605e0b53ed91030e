/** What the payment events of the simulated shop have in common. */
import type { FxRate, Money, PaymentMethod } from '../../schemas/generated/events.ts';
import type { Market } from './markets.ts';

const PROVIDERS: Readonly<Record<PaymentMethod, string>> = {
  card: 'stripe',
  debitCard: 'stripe',
  alipay: 'alipay',
  wechatPay: 'wechatpay',
  unionPay: 'unionpay',
  bankTransfer: 'bank',
  voucher: 'shop',
  other: 'other',
};

export interface PaymentFacts {
  readonly orderId: string;
  readonly paymentId: string;
  readonly amount: Money;
  readonly method: PaymentMethod;
  readonly cardFingerprint: string | null;
  readonly deviceId: string;
  readonly ipPrefix: string;
}

export interface PaymentFields extends PaymentFacts {
  readonly provider: string;
  readonly fx: FxRate;
}

/** The fields of any payment event; the reporting currency is the euro, the rate is the market's. */
export function paymentFields(facts: PaymentFacts, market: Market): PaymentFields {
  return {
    ...facts,
    provider: PROVIDERS[facts.method],
    fx: { reportingCurrency: 'EUR', rate: 1 / market.perEuro },
  };
}
