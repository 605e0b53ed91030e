import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FAULT_KINDS, planFaults, type FaultKind } from './plan.ts';

const SESSION_MS = 5000;
const plan = (seconds: number, seed: number) => planFaults({ seconds, seed, sessionTimeoutMs: SESSION_MS });

describe('the plan of faults', () => {
  test('is the same for the same seed, and another for another', () => {
    expect(plan(300, 7)).toEqual(plan(300, 7));
    expect(plan(300, 7)).not.toEqual(plan(300, 8));
  });

  test('has each kind in a long run, and something for each victim in a short one', () => {
    expect(new Set(plan(300, 1).map(({ kind }) => kind))).toEqual(new Set(FAULT_KINDS));
    const victims = (seconds: number, seed: number) =>
      new Set(plan(seconds, seed).map(({ kind }) => kind.replace(/^(broker|redis|clickhouse)-.*/, '$1')));
    const seeds = fc.tuple(fc.integer({ min: 20, max: 60 }), fc.integer());
    fc.assert(
      fc.property(seeds, ([seconds, seed]) => {
        expect(victims(seconds, seed).size).toBe(9);
      }),
    );
  });

  test('kills a processor every few seconds', () => {
    const kills = plan(300, 3).filter(({ kind }) => kind === 'processor-kill');
    expect(kills.length).toBeGreaterThan(30);
  });

  test('takes one broker at a time, and freezes for longer than the session', () => {
    const of = (...kinds: readonly FaultKind[]) => plan(600, 5).filter(({ kind }) => kinds.includes(kind));
    const brokers = of('broker-kill', 'broker-stop');
    for (const [index, fault] of brokers.slice(1).entries()) {
      const before = brokers[index];
      expect(fault.atMs).toBeGreaterThan((before?.atMs ?? 0) + (before?.forMs ?? 0) + 10_000);
    }
    for (const { forMs } of of('processor-freeze')) expect(forMs).toBeGreaterThan(SESSION_MS);
  });
});
