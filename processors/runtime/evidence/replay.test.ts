import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AlertRaised, PaymentCaptured } from '../../../schemas/generated/events.ts';
import { ALERT_EVIDENCE_TOPIC, SHOP_TOPICS } from '../../../schemas/topics.ts';
import { decodeEvent, isRecord } from '../../../schemas/wire-format.ts';
import { captureOf, T0 } from '../../../test/harness/shop-events.ts';
import { alertOf, alertsSink } from '../../alerts/alert.ts';
import { internalMeta } from '../../internal-event.ts';
import { count, sum } from '../aggregates/index.ts';
import { isOneOf, topology, type NodeContext, type Push, type Stream, type Topology } from '../dsl/index.ts';
import { driveTopology } from '../testing/topology-driver.ts';
import {
  anyOf,
  countWindow,
  early,
  hopping,
  onClose,
  onUpdate,
  session,
  sliding,
  tumbling,
  type EmitPolicy,
  type WindowSpec,
} from '../windows/index.ts';
import { decodeEvidence, type Evidence } from './evidence.ts';
import { replay } from './replay.ts';

const PAYMENTS = SHOP_TOPICS.payments.name;
const JOB = { application: 'test', version: '0', topology: '', settings: null };

/** What the parts below say becomes an alert, which the clock and everything said goes into. */
function decide(context: NodeContext, emit: Push<AlertRaised>): Push<unknown> {
  return (said, { eventTimeMs }) => {
    const what = JSON.stringify(said);
    const finding = {
      ...({
        kind: what,
        severity: 'info',
        entityType: 'order',
        entityId: context.newId(),
        evidence: [],
      } as const),
      ...{ summary: what, firstEventTimeMs: eventTimeMs, lastEventTimeMs: eventTimeMs },
    };
    const alert = alertOf(finding, context.now());
    emit(alert, internalMeta(alert));
  };
}

type Part = (payments: Stream<PaymentCaptured>) => Stream<unknown>;

const windowed =
  (spec: WindowSpec, emit: EmitPolicy = onClose()): Part =>
  (payments) =>
    payments
      .keyLocallyBy('paymentId')
      .window(spec)
      .aggregate('amounts', { n: count(), total: sum(({ amount }) => amount.amountMinor) }, emit);

/** In-place changes, scans, absent keys, timers of both kinds that set others, and a time to live. */
function handWritten(context: NodeContext, emit: Push<unknown>): Push<PaymentCaptured> {
  const seen = context.store<{ times: number[] }>('seen');
  const short = context.store<number>('short', { ttlMs: 20_000 });
  const say = (what: string, key: string, eventTimeMs: number) =>
    emit(
      { what, key, all: [...seen.entries()], short: short.get(key), other: seen.has('nobody') },
      { key, eventTimeMs, ingestTimeMs: eventTimeMs, position: undefined },
    );
  const byEvents = context.timers('by-events', (key, dueMs) => {
    say('due', key, dueMs);
    seen.delete(key);
    if (dueMs % 3 === 0) byEvents.set(key, dueMs + 7_000);
  });
  const byClock = context.clockTimers('by-clock', (key, dueMs) => say('clock', key, dueMs));
  return ({ paymentId, eventTime, amount }) => {
    const before = seen.get(paymentId) ?? { times: [] };
    before.times.push(eventTime);
    seen.set(paymentId, before);
    if (before.times.length % 3 === 0) say('third', paymentId, eventTime);
    short.set(paymentId, (short.get(paymentId) ?? 0) + amount.amountMinor);
    byEvents.set(paymentId, eventTime + 10_000);
    if (amount.amountMinor % 2 === 0) byClock.set(paymentId, context.now() + 5_000);
  };
}

const PARTS: Readonly<Record<string, Part>> = {
  'a handler with stores and timers': (payments) => payments.process('by-hand', handWritten),
  'a running aggregate': (payments) => payments.aggregate('ever', { n: count() }).toStream(),
  'tumbling windows': windowed(tumbling({ sizeMs: 10_000, graceMs: 3_000 })),
  'tumbling windows with early results': windowed(
    tumbling({ sizeMs: 10_000 }),
    anyOf(onUpdate(), early({ everyMs: 2_000 })),
  ),
  'hopping windows': windowed(hopping({ sizeMs: 20_000, slideMs: 5_000, graceMs: 2_000 })),
  'sliding windows': windowed(sliding({ sizeMs: 15_000 })),
  sessions: windowed(session({ gapMs: 6_000 }), onUpdate()),
  'windows of so many': windowed(countWindow({ size: 4, slide: 2, idleMs: 30_000 })),
  'a window behind a window': (payments) =>
    windowed(tumbling({ sizeMs: 5_000 }))(payments)
      .keyLocallyBy(() => 'all')
      .window(tumbling({ sizeMs: 20_000 }))
      .aggregate('of-windows', count()),
  'a join': (payments) =>
    payments
      .filter(({ amount }) => amount.amountMinor % 2 === 0)
      .join(
        payments.filter(({ amount }) => amount.amountMinor % 2 === 1),
        {
          ...{ name: 'pairs', kind: 'outer', beforeMs: 4_000, afterMs: 6_000 },
          with: (left, right) => ({ left: left?.eventTime, right: right?.eventTime }),
        },
      ),
};

function topologyOf(part: Part): Topology {
  const app = topology('explained');
  // What leads to no decision runs beside it, and is not recorded.
  const payments = app.events(PAYMENTS, { subtopology: 'all' });
  payments.process('beside', (context) => {
    const store = context.store<number>('beside');
    return ({ orderId }) => store.set(orderId, (store.get(orderId) ?? 0) + 1);
  });
  part(payments.filter(isOneOf('PaymentCaptured')))
    .process('decide', decide)
    .to(alertsSink);
  return app.build();
}

type Act =
  | { readonly pay: readonly { readonly who: number; readonly atMs: number; readonly minor: number }[] }
  | { readonly waitMs: number }
  | { readonly restart: true };

const ACTS: fc.Arbitrary<readonly Act[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        pay: fc.array(fc.record({ who: fc.nat(3), atMs: fc.nat(60_000), minor: fc.nat(5) }), {
          minLength: 1,
          maxLength: 12,
        }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ waitMs: fc.integer({ min: 1, max: 40_000 }) }) },
    { weight: 1, arbitrary: fc.constant({ restart: true } as const) },
  ),
  { minLength: 1, maxLength: 10 },
);

async function run(of: Topology, acts: readonly Act[]) {
  const driver = await driveTopology(of, { startMs: T0, outOfOrderMs: 5_000, job: JOB });
  for (const act of acts) {
    if ('restart' in act) await driver.restart();
    else if ('waitMs' in act) await driver.advanceClock(act.waitMs);
    else
      await driver.events(
        PAYMENTS,
        act.pay.map(({ who, atMs, minor }) =>
          captureOf(`p${who}`, T0 + atMs, {
            amount: { amountMinor: minor, currency: 'EUR' },
            orderId: `p${who}`,
          }),
        ),
        ({ orderId }) => orderId,
      );
  }
  await driver.advanceClock(120_000);
  return driver;
}

const isAgain = (of: Topology, evidence: Evidence): string => {
  const explained = of.subtopologies.find(({ name }) => name === evidence.subtopology)?.explained;
  if (explained === undefined) throw new Error('it explains nothing');
  const { decision } = replay(evidence, explained);
  if (decision === undefined) return 'silent';
  return decision.value.toString('base64') === evidence.decision.value ? 'same' : 'different';
};

describe('each decision is taken again from its evidence alone, byte for byte', () => {
  test.each(Object.entries(PARTS))('%s', async (_, part) => {
    let decisions = 0;
    await fc.assert(
      fc.asyncProperty(ACTS, async (acts) => {
        const of = topologyOf(part);
        const { kafka } = await run(of, acts);
        const alerts = kafka.recordsOf(SHOP_TOPICS.alerts.name);
        const kept = kafka
          .recordsOf(ALERT_EVIDENCE_TOPIC.name)
          .map(({ value }) => decodeEvidence(value ?? ''));
        expect(kept.map(({ decision }) => decision.value)).toEqual(
          alerts.map(({ value }) => value?.toString('base64')),
        );
        expect(kept.map(({ id }) => id)).toEqual(alerts.map(({ value }) => idOf(value)));
        const outcomes = kept.map((evidence) => [isAgain(of, evidence), evidence.cause] as const);
        expect(outcomes.filter(([outcome]) => outcome !== 'same')).toEqual([]);
        // What leads to no decision is in none.
        expect(kept.flatMap(({ entries }) => entries).filter(({ store }) => store === 'beside')).toEqual([]);
        decisions += kept.length;
      }),
      { numRuns: 25, seed: 7 },
    );
    expect(decisions).toBeGreaterThan(25);
  });
});

function idOf(value: Buffer | null): string | undefined {
  const event = decodeEvent(value);
  return isRecord(event, 'AlertRaised') ? event.alertId : undefined;
}
