/** Answers of the API as JSON Schema: the text of /openapi.json, and what is written to clients. */

const text = { type: 'string' } as const;
const number = { type: 'number' } as const;
const count = { type: 'integer' } as const;
const flag = { type: 'boolean' } as const;
const instant = { type: 'string', description: 'ISO 8601, UTC.' } as const;
const epochMs = { type: 'integer', description: 'Epoch milliseconds, UTC.' } as const;
const list = <S extends object>(items: S) => ({ type: 'array', items }) as const;
const nullable = <S extends { type: string }>(schema: S) => ({ ...schema, type: [schema.type, 'null'] });
const object = <P extends object>(properties: P) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
});

const recommendation = object({
  itemId: text,
  position: { ...count, description: 'From 0.' },
  score: { ...number, description: 'Higher is better; compares only within one source.' },
  reason: { ...text, description: 'One sentence for people.' },
  because: { ...list(text), description: 'Items of the own history that led here.' },
  source: { ...text, enum: ['co-visitation', 'trending', 'last-resort'] },
});

export const recommendationsAnswer = object({
  recommendationId: { ...text, description: 'UUIDv7; quote it in impressions and clicks.' },
  items: list(recommendation),
  modelVersion: text,
  servedAt: instant,
  degraded: { ...flag, description: 'The online store did not answer; items come from memory.' },
  reason: {
    type: ['string', 'null'],
    enum: ['no-data-yet', 'all-bought', null],
    description: 'Why there is no item; null where there are items.',
  },
});

export const similarAnswer = object({
  itemId: text,
  items: list(recommendation),
  modelVersion: text,
  servedAt: instant,
  degraded: flag,
});

export const trendingAnswer = object({
  items: list(object({ itemId: text, position: count, score: number })),
  asOf: nullable(instant),
  degraded: flag,
});

export const itemsAnswer = object({
  items: list(
    object({
      itemId: text,
      title: text,
      category: text,
      priceMinor: { ...count, description: 'Minor units of the currency by ISO 4217.' },
      currency: text,
      active: { ...flag, description: 'On sale.' },
    }),
  ),
  degraded: { ...flag, description: 'The online store did not answer, so that no item is told.' },
});

const alert = object({
  alertId: text,
  kind: text,
  severity: { ...text, enum: ['info', 'warning', 'critical'] },
  entityType: text,
  entityId: text,
  summary: text,
  eventTimeMs: epochMs,
  raisedAtMs: epochMs,
});

export const alertsAnswer = object({ alerts: list(alert), degraded: flag });

const seen = list(object({ itemId: text, atMs: epochMs }));

export const historyAnswer = object({ anonymousId: text, viewed: seen, bought: seen, degraded: flag });

export const activeVisitorsAnswer = object({
  visitors: nullable(list(object({ anonymousId: text, lastSeenMs: epochMs, productViews: count }))),
});

const source = { ...text, enum: ['ok', 'down', 'absent'] } as const;
const currencySales = object({
  currency: text,
  orders: count,
  orderedMinor: count,
  capturedPayments: count,
  capturedMinor: count,
  failedPayments: count,
  refundedMinor: count,
});

export const liveAnswer = object({
  asOfMs: epochMs,
  throughput: nullable(
    object({
      points: list(object({ second: count, events: count, productViews: count })),
      eventsPerSecond: number,
      productViewsPerSecond: number,
    }),
  ),
  windowMs: count,
  sales: nullable(object({ orders: count, byCurrency: list(currencySales) })),
  funnel: nullable(
    object({ productViews: count, cartAdds: count, checkouts: count, recommendationClicks: count }),
  ),
  conversion: nullable(object({ visitors: count, buyers: count, rate: nullable(number) })),
  rows: nullable(
    object({ clicks: count, orders: count, payments: count, scans: count, served: count, alerts: count }),
  ),
  sources: object({ clickhouse: source, onlineStore: source }),
});
