import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MillraceError } from '../../platform/errors.ts';
import type { PublicEvent } from '../public-event.ts';
import type { SendEvents } from './http-sender.ts';
import type { PlantedFault } from './planned-event.ts';
import { runSimulator, type SimulatorOptions } from './run-simulator.ts';
import { createShop } from './shop.ts';

const START_MS = 1_760_000_000_000;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mr-simulator-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A clock that moves only when somebody sleeps on it. */
function fakeClock() {
  let nowMs = START_MS;
  return {
    now: () => nowMs,
    async sleep(ms: number) {
      nowMs += ms;
      // Lets answers in between two ticks, as time would.
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** A collector that writes into an array. */
function collector() {
  const events: PublicEvent[] = [];
  const known = new Set<string>();
  const send: SendEvents = async (batch) => {
    const fresh = batch.filter(({ eventId }) => !known.has(eventId));
    for (const { eventId } of fresh) known.add(eventId);
    events.push(...fresh);
    return { accepted: fresh.length, duplicates: batch.length - fresh.length, rejected: [] };
  };
  return { events, send };
}

const options = (send: SendEvents): SimulatorOptions => ({
  shop: createShop({ seed: 3, startMs: START_MS }),
  ratePerSecond: 50,
  send,
  seconds: 45,
  clock: fakeClock(),
});
const faultsIn = (path: string): readonly PlantedFault[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as PlantedFault);

describe('runSimulator', () => {
  test('sends tables, traffic and arrivals, tells each acknowledgement, and writes down the faults', async () => {
    const { events, send } = collector();
    const groundTruthPath = join(folder, 'below', 'truth.jsonl');
    const acknowledged: string[] = [];
    const result = await runSimulator({
      ...options(send),
      groundTruthPath,
      onAcknowledged: ({ eventId }) => acknowledged.push(eventId),
    });
    expect(events.slice(0, 600).every(({ type }) => type === 'ItemUpserted')).toBe(true);
    expect(events.length).toBeGreaterThan(600 + 45 * 50);
    expect(acknowledged.toSorted()).toEqual(events.map(({ eventId }) => eventId).toSorted());
    expect(result).toMatchObject({ accepted: events.length, duplicates: 0, rejected: 0, retries: 0 });
    const faults = faultsIn(groundTruthPath);
    expect(result.faults).toBe(faults.length);
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(
      new Set(['card-velocity-burst', 'parcel-silent']),
    );
    const ids = new Set(acknowledged);
    expect(faults.flatMap(({ eventIds }) => eventIds).filter((eventId) => !ids.has(eventId))).toEqual([]);
  });

  test('repeats what the collector could not take, with the same eventIds', async () => {
    const { events, send } = collector();
    let calls = 0;
    const flaky: SendEvents = async (batch) => {
      calls++;
      if (calls % 3 === 1) throw new MillraceError('MR_SIMULATOR_COLLECTOR_BUSY', 'not now');
      // Taken, but the answer is lost.
      if (calls % 3 === 2) {
        await send(batch);
        throw new MillraceError('MR_SIMULATOR_COLLECTOR_BUSY', 'the connection broke');
      }
      return send(batch);
    };
    const acknowledged = new Set<string>();
    const result = await runSimulator({
      ...options(flaky),
      seconds: 1,
      publishTables: false,
      retryDelayMs: 1,
      onAcknowledged: ({ eventId }) => acknowledged.add(eventId),
    });
    expect(acknowledged).toEqual(new Set(events.map(({ eventId }) => eventId)));
    expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(events.length);
    expect(result.retries).toBeGreaterThan(0);
    expect(result.accepted + result.duplicates).toBe(acknowledged.size);
  });

  test('does not write down a fault with an event that was rejected', async () => {
    const { send } = collector();
    const rejecting: SendEvents = async (batch) => {
      const rejected = batch.flatMap(({ type }, index) =>
        type === 'PaymentFailed' ? [{ index, code: 'MR_INGEST_INVALID_EVENT', message: '' }] : [],
      );
      const answer = await send(batch.filter(({ type }) => type !== 'PaymentFailed'));
      return { ...answer, rejected };
    };
    const groundTruthPath = join(folder, 'truth.jsonl');
    const rejectedTypes = new Set<string>();
    const result = await runSimulator({
      ...options(rejecting),
      groundTruthPath,
      onRejected: ({ type }) => rejectedTypes.add(type),
    });
    expect(rejectedTypes).toEqual(new Set(['PaymentFailed']));
    expect(result.rejected).toBeGreaterThan(0);
    expect(new Set(faultsIn(groundTruthPath).map(({ kind }) => kind))).toEqual(new Set(['parcel-silent']));
  });

  test('stops at the signal, with every parcel at its end', async () => {
    const { events, send } = collector();
    const stop = new AbortController();
    const shop = createShop({ seed: 3, startMs: START_MS, stuckParcelEvery: 0 });
    await runSimulator({
      ...options(send),
      seconds: 3600,
      shop,
      signal: stop.signal,
      onAcknowledged: () => {
        if (events.length > 3000) stop.abort();
      },
    });
    const created = events.filter(({ type }) => type === 'ShipmentCreated');
    const ended = events.filter(({ type }) => type === 'ShipmentDelivered' || type === 'ShipmentFailed');
    expect(created.length).toBeGreaterThan(5);
    expect(ended).toHaveLength(created.length);
  });

  test('gives up where the collector refuses for good', async () => {
    const send: SendEvents = async () => {
      throw new MillraceError('MR_SIMULATOR_REFUSED', 'wrong key');
    };
    await expect(runSimulator(options(send))).rejects.toMatchObject({ code: 'MR_SIMULATOR_REFUSED' });
  });

  test('gives up where the collector is busy for too long', async () => {
    const send: SendEvents = async () => {
      throw new MillraceError('MR_SIMULATOR_COLLECTOR_BUSY', 'never');
    };
    const busy = runSimulator({ ...options(send), retryDelayMs: 1, giveUpAfterMs: 5 });
    await expect(busy).rejects.toMatchObject({ code: 'MR_SIMULATOR_COLLECTOR_BUSY' });
  });
});
