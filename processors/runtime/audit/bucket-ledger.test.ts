import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BucketLedger } from './bucket-ledger.ts';
import { Digest, digestIn } from './digest.ts';

const SHAPE = { size: 4, factor: 3 };
const hash = (place: number) => ({
  a: Math.imul(place, 0x9e3779b1) >>> 0,
  b: Math.imul(place, 0x85ebca77) >>> 0,
});

function note(ledger: BucketLedger, place: number): void {
  const bucket = ledger.at(place);
  digestIn(bucket.digests, 'read').add(hash(place));
  bucket.to = Math.max(bucket.to, place + 1);
}

test('whatever is committed when, and restored, the digests are those of the places', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(6), fc.boolean()), { maxLength: 80 }), (steps) => {
      const log = new Map<string, Buffer>();
      const restored = () => {
        const ledger = new BucketLedger(SHAPE);
        for (const [key, value] of log) ledger.restore(key, value);
        return ledger;
      };
      let ledger = new BucketLedger(SHAPE);
      let committed: number[] = [];
      let pending: number[] = [];
      let place = 0;
      for (const [step, isCommitted] of steps) {
        place += step + 1;
        note(ledger, place);
        pending.push(place);
        if (isCommitted) {
          for (const { key, value } of ledger.takeChanges())
            if (value === null) log.delete(key);
            else log.set(key, value);
          committed = [...committed, ...pending];
        } else if (step === 0) {
          // A crash: what was not committed is read again.
          ledger = restored();
          place = committed.at(-1) ?? 0;
        } else continue;
        pending = [];
      }
      const buckets = restored().buckets();
      for (const { from, to, digests } of buckets) {
        const expected = new Digest();
        for (const one of committed) if (one >= from && one < to) expected.add(hash(one));
        expect(digests.get('read')?.equals(expected)).toBe(true);
      }
      expect(buckets.reduce((sum, { digests }) => sum + (digests.get('read')?.count ?? 0), 0)).toBe(
        committed.length,
      );
      const spans = buckets.map(({ from, to }) => [from, to] as const).sort(([x], [y]) => x - y);
      spans.slice(1).forEach(([from], n) => expect(from).toBeGreaterThanOrEqual(spans[n]?.[1] ?? 0));
    }),
  );
});

test('entries stay few: only the recent places are fine, and the oldest go', () => {
  const ledger = new BucketLedger({ ...SHAPE, keep: 5 });
  const live = new Set<string>();
  for (let place = 0; place < 1000; place++) {
    note(ledger, place);
    for (const { key, value } of ledger.takeChanges())
      if (value === null) live.delete(key);
      else live.add(key);
    expect(live.size).toBeLessThanOrEqual(2 * SHAPE.factor + 5);
  }
  expect(ledger.buckets()[0]?.from).toBeGreaterThan(900);
});
