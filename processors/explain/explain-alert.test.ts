import { expect, test } from 'vitest';
import { parseConfig } from '../../platform/config.ts';
import { MillraceError } from '../../platform/errors.ts';
import { ALERT_EVIDENCE_TOPIC, SHOP_TOPICS } from '../../schemas/topics.ts';
import { encodeEvent } from '../../schemas/wire-format.ts';
import { captureOf, scanOf, T0 } from '../../test/harness/shop-events.ts';
import { jobDescription, topologyHash } from '../job-description.ts';
import { decodeEvidence, type Evidence } from '../runtime/evidence/evidence.ts';
import { driveTopology, type TopologyDriver } from '../runtime/testing/topology-driver.ts';
import { settingsOf, shopTopology } from '../topologies.ts';
import { explainAlert } from './explain-alert.ts';

const { processing } = parseConfig({ MR_CARD_BURST_COUNT: '4', MR_PARCEL_SILENCE: '10m' });
const SHOP = shopTopology(processing);
const drive = () =>
  driveTopology(SHOP, { startMs: T0, partitions: 3, job: jobDescription(SHOP, processing) });
const options = (current = settingsOf(processing), usesCurrent = false) => ({
  current,
  usesCurrent,
  hashOf: (settings: typeof current) => topologyHash(shopTopology(settings)),
});

async function burst(driver: TopologyDriver, from: number, restartAt?: number): Promise<void> {
  for (let n = from; n < from + 4; n++) {
    const paid = captureOf(`p${n}`, T0 + n * 1000, { orderId: `order-${n}` });
    await driver.events(SHOP_TOPICS.payments.name, [paid], ({ orderId }) => orderId);
    if (n === restartAt) await driver.restart();
  }
}

const evidenceIn = (driver: TopologyDriver): readonly Evidence[] =>
  driver.kafka.recordsOf(ALERT_EVIDENCE_TOPIC.name).map(({ value }) => decodeEvidence(value ?? ''));

function tampered(evidence: Evidence, change: (state: { attempts: object[] }) => unknown): Evidence {
  const [entry] = evidence.entries;
  if (entry?.value == null) throw new Error('no entry');
  const state = JSON.parse(Buffer.from(entry.value, 'base64').toString()) as { attempts: object[] };
  const value = Buffer.from(JSON.stringify(change(state))).toString('base64');
  return { ...evidence, entries: [{ ...entry, value }] };
}

test('a burst is decided again from the record and the one entry that its step has seen', async () => {
  const driver = await drive();
  await burst(driver, 0, 2);
  const [evidence, ...others] = evidenceIn(driver);
  if (evidence === undefined) throw new Error('no evidence');
  expect(others).toEqual([]);
  expect(evidence).toMatchObject({
    subtopology: 'card',
    cause: { kind: 'record', topic: 'millrace.card-payments' },
    entries: [{ store: 'cards', key: 'card-1' }],
    isCut: false,
  });
  // Today's settings differ: it is decided by those of then.
  const today = { ...settingsOf(processing), cardBurstCount: 9 };
  const explained = explainAlert(evidence, options(today));
  expect(explained).toMatchObject({ outcome: 'same', isSameTopology: true, differences: [] });
  expect(explained.replay.state).toMatchObject([
    { key: 'card-1', before: { attempts: [{}, {}, {}] }, after: { attempts: [{}, {}, {}, {}] } },
  ]);
  expect(explainAlert(evidence, options(today, true)).outcome).toBe('silent');
});

test('a parcel that time found silent is decided again, whatever else was due with it', async () => {
  const driver = await drive();
  const scans = Array.from({ length: 40 }, (_, n) => scanOf(`parcel-${n}`, T0 + n, { orderId: `o${n}` }));
  await driver.events(SHOP_TOPICS.shipments.name, scans, ({ orderId }) => orderId);
  await driver.restart();
  await driver.advanceClock(3_600_000);
  const all = evidenceIn(driver);
  expect(all).toHaveLength(40);
  for (const evidence of all) {
    expect(evidence.cause).toMatchObject({ kind: 'timer', name: 'parcel-silence', by: 'advance' });
    expect(evidence.entries.length).toBeLessThanOrEqual(2);
    const { outcome, alert } = explainAlert(evidence, options());
    expect([outcome, alert.kind]).toEqual(['same', 'parcel-silent']);
  }
});

test('evidence that was changed by hand is told, field by field', async () => {
  const driver = await drive();
  await burst(driver, 0);
  const [evidence] = evidenceIn(driver);
  if (evidence === undefined) throw new Error('no evidence');
  const outcomeOf = (changed: Evidence) => explainAlert(changed, options());
  const fewer = tampered(evidence, ({ attempts, ...rest }) => ({ ...rest, attempts: attempts.slice(1) }));
  expect(outcomeOf(fewer)).toMatchObject({ outcome: 'silent', again: undefined });
  const failed = tampered(evidence, (state) => ({
    ...state,
    attempts: state.attempts.map((attempt) => ({ ...attempt, failed: true })),
  }));
  expect(outcomeOf(failed)).toMatchObject({
    outcome: 'different',
    differences: [
      { field: 'severity', then: 'warning', again: 'critical' },
      { field: 'summary', again: expect.stringContaining('3 refused') as string },
    ],
  });
  expect(outcomeOf({ ...failed, isCut: true }).outcome).toBe('incomplete');
  const later = { ...evidence, clock: evidence.clock.map((ms) => ms + 1) };
  expect(outcomeOf(later).differences.map(({ field }) => field)).toEqual(['eventTime', 'ingestTime']);
  if (evidence.cause.kind !== 'record') throw new Error('no record');
  const event = encodeEvent(scanOf('x', T0)).toString('base64');
  const other = { ...evidence, cause: { ...evidence.cause, value: event } };
  expect(outcomeOf(other).outcome).not.toBe('same');
});

test.each([
  ['MR_EXPLAIN_STEP_GONE', { subtopology: 'gone' }],
  ['MR_EXPLAIN_STEP_GONE', { subtopology: 'items' }],
  [
    'MR_EXPLAIN_STATE_CHANGED',
    { entries: [{ store: 'cards', version: 7, layout: 'keyed(json)', key: 'c', value: null }] },
  ],
  [
    'MR_EXPLAIN_STATE_CHANGED',
    { entries: [{ store: 'gone', version: 1, layout: 'keyed(json)', key: 'c', value: null }] },
  ],
  [
    'MR_EXPLAIN_EVIDENCE_INVALID',
    { job: { application: 'a', version: '0', topology: '', settings: { cardBurstCount: 'x' } } },
  ],
])('%s where the program or the evidence does not fit: %j', async (code, change: Partial<Evidence>) => {
  const driver = await drive();
  await burst(driver, 0);
  const [evidence] = evidenceIn(driver);
  const explain = () => explainAlert({ ...(evidence as Evidence), ...change }, options());
  expect(explain).toThrow(MillraceError);
  expect(explain).toThrow(expect.objectContaining({ code }) as Error);
});
