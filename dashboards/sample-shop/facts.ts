import type { RecordName } from '../../schemas/generated/events.ts';
import { MINUTE_MS, type Row, type RowsByTable } from './rows.ts';

interface Fact {
  readonly type: RecordName;
  /** Milliseconds before the end of the range; event and ingest time alike. */
  readonly agoMs: number;
  readonly [column: string]: unknown;
}

/** Facts with their place in the log. */
function facts(toMs: number, topic: string, list: readonly Fact[]): readonly Row[] {
  return list.map(({ type, agoMs, ...columns }, offset) => ({
    _topic: topic,
    _partition: 0,
    _offset: offset,
    _ordinal: 0,
    event_id: `01900000-0000-7000-8000-${String(offset).padStart(12, '0')}`,
    event_type: type,
    event_time: toMs - agoMs,
    ingest_time: toMs - agoMs,
    source: 'sample',
    ...columns,
  }));
}

const visitor = (id: string, channel = 'web') => ({ anonymous_id: id, channel });

/** Four visitors and a robot: three see a product, two fill a cart, one checks out and orders. */
function clicks(toMs: number): readonly Row[] {
  const ago = (seconds: number) => ({ agoMs: seconds * 1000 });
  return facts(toMs, 'shop.clickstream', [
    { type: 'PageViewed', ...ago(30), ...visitor('v4'), path: '/' },
    { type: 'PageViewed', ...ago(20), ...visitor('robot'), bot: true, path: '/' },
    { type: 'ProductViewed', ...ago(600), ...visitor('v1'), item_id: 'i1' },
    { type: 'ProductViewed', ...ago(590), ...visitor('v2'), item_id: 'i1' },
    { type: 'ProductViewed', ...ago(580), ...visitor('v3', 'app'), item_id: 'i2' },
    { type: 'CartChanged', ...ago(500), ...visitor('v1'), item_id: 'i1', quantity_delta: 1 },
    { type: 'CartChanged', ...ago(490), ...visitor('v3', 'app'), item_id: 'i2', quantity_delta: 2 },
    { type: 'CartChanged', ...ago(480), ...visitor('v2'), item_id: 'i1', quantity_delta: -1 },
    { type: 'CheckoutStepped', ...ago(400), ...visitor('v1'), step: 'started' },
    {
      type: 'RecommendationImpressed',
      ...ago(550),
      ...visitor('v1'),
      recommendation_id: 'r1',
      item_ids: ['i1', 'i2', 'i3'],
    },
    {
      type: 'RecommendationImpressed',
      ...ago(540),
      ...visitor('robot'),
      bot: true,
      recommendation_id: 'r1',
      item_ids: ['i4'],
    },
    {
      type: 'RecommendationClicked',
      ...ago(545),
      ...visitor('v1'),
      recommendation_id: 'r1',
      item_id: 'i2',
      position: 1,
    },
  ]);
}

function orders(toMs: number): readonly Row[] {
  const order = (id: string, minutes: number, columns: Row): Fact => ({
    type: 'OrderPlaced',
    agoMs: minutes * MINUTE_MS,
    order_id: id,
    buyer_id: 'u1',
    seller_id: 's1',
    mode: 'b2c',
    ...columns,
  });
  return facts(toMs, 'shop.orders', [
    order('o1', 4, { ...visitor('v1'), amount_minor: 1999, currency: 'EUR' }),
    order('o2', 3, { ...visitor('v9', 'app'), amount_minor: 500, currency: 'JPY' }),
    { type: 'OrderHeld', agoMs: 2 * MINUTE_MS, order_id: 'o2', reason: 'review' },
  ]);
}

function payments(toMs: number): readonly Row[] {
  const payment = (type: RecordName, id: string, amount_minor: number, currency: string): Fact => ({
    type,
    agoMs: 3 * MINUTE_MS,
    order_id: id,
    payment_id: `p-${id}`,
    amount_minor,
    currency,
    method: 'card',
    provider: 'stripe',
    fx_rate: 1,
  });
  return facts(toMs, 'shop.payments', [
    payment('PaymentCaptured', 'o1', 1999, 'EUR'),
    payment('PaymentCaptured', 'o3', 1, 'EUR'),
    payment('PaymentCaptured', 'o2', 500, 'JPY'),
    payment('PaymentFailed', 'o4', 700, 'EUR'),
  ]);
}

/** Two parcels: one delivered, one in transit. */
function scans(toMs: number): readonly Row[] {
  const scan = (type: RecordName, shipment: string, minutes: number, status = ''): Fact => ({
    type,
    agoMs: minutes * MINUTE_MS,
    order_id: `o-${shipment}`,
    shipment_id: shipment,
    carrier: 'dhl',
    status,
  });
  return facts(toMs, 'shop.shipments', [
    scan('ShipmentCreated', 'p1', 50),
    scan('ShipmentScanned', 'p1', 40, 'inTransit'),
    scan('ShipmentDelivered', 'p1', 5),
    scan('ShipmentCreated', 'p2', 50),
    scan('ShipmentScanned', 'p2', 30, 'inTransit'),
  ]);
}

function served(toMs: number): readonly Row[] {
  return facts(toMs, 'shop.served', [
    {
      type: 'RecommendationsServed',
      agoMs: 555_000,
      recommendation_id: 'r1',
      anonymous_id: 'v1',
      item_ids: ['i1', 'i2', 'i3'],
      reasons: ['popular', 'item-item', 'popular'],
      propensities: [1, 1, 1],
      model_version: 'm1',
      latency_micros: 900,
    },
  ]);
}

function riskDecisions(toMs: number): readonly Row[] {
  const decision = (outcome: string, entity: string): Fact => ({
    type: 'RiskDecided',
    agoMs: 5 * MINUTE_MS,
    entity_id: entity,
    outcome,
    score: 0.5,
    reasons: ['velocity'],
    model_version: 'm1',
  });
  return facts(toMs, 'shop.risk-decisions', [
    decision('allow', 'o1'),
    decision('allow', 'o2'),
    decision('deny', 'o3'),
  ]);
}

function alerts(toMs: number): readonly Row[] {
  const alert = (id: string, kind: string, severity: string, minutes: number): Fact => ({
    type: 'AlertRaised',
    agoMs: minutes * MINUTE_MS,
    alert_id: id,
    entity_type: kind === 'parcel-silent' ? 'parcel' : 'card',
    entity_id: `e-${id}`,
    kind,
    severity,
    summary: `Finding ${id}`,
    first_event_time: toMs - minutes * MINUTE_MS,
    last_event_time: toMs - minutes * MINUTE_MS,
  });
  return facts(toMs, 'shop.alerts', [
    alert('a1', 'card-velocity-burst', 'critical', 20),
    alert('a2', 'card-velocity-burst', 'warning', 10),
    alert('a3', 'parcel-silent', 'warning', 5),
  ]);
}

/** The fact tables. */
export function factRows(toMs: number): RowsByTable {
  return {
    clicks: clicks(toMs),
    orders: orders(toMs),
    payments: payments(toMs),
    scans: scans(toMs),
    served: served(toMs),
    risk_decisions: riskDecisions(toMs),
    alerts: alerts(toMs),
  };
}
