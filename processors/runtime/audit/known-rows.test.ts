import fc from 'fast-check';
import { expect, test } from 'vitest';
import { followedBy, withoutVersion, type Known } from './known-rows.ts';

const row = (version: number, saidMs: number) => ({
  ...{ version, saidMs, row: { a: version, b: 0 }, isProven: true, atMs: saidMs },
});

/** A commit says rows of one key, then names those of the commit before that were refused. */
const commits = fc.array(fc.array(fc.boolean(), { maxLength: 4 }), { maxLength: 8 });

test('whatever was refused of a key, the newest row that was taken is what must be there', () => {
  fc.assert(
    fc.property(commits, (all) => {
      let known: Known | undefined;
      let version = 0;
      let newestTaken: number | undefined;
      let waiting: number[] = [];
      for (const [at, isRefusedOf] of [...all, [], []].entries()) {
        const refused = waiting;
        waiting = [];
        for (const isRefused of isRefusedOf) {
          known = followedBy(known, row(++version, at + 1));
          if (isRefused) waiting.push(version);
          else newestTaken = version;
        }
        for (const one of refused) if (known !== undefined) known = withoutVersion(known, one);
      }
      expect(known?.version).toBe(newestTaken);
    }),
  );
});

test('what two later commits have followed keeps nothing in front of it', () => {
  let known: Known | undefined;
  for (let at = 1; at <= 100; at++) known = followedBy(known, row(at, at));
  let length = 0;
  for (let one = known; one !== undefined; one = one.before) length += 1;
  expect(length).toBe(3);
});

test('a version that is not known changes nothing', () => {
  const known = followedBy(followedBy(undefined, row(1, 1)), row(2, 2));
  expect(withoutVersion(known, 7)).toBe(known);
  expect(known.before?.version).toBe(1);
});
