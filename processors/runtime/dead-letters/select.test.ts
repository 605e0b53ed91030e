import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { letterId, type LetterHead } from './letter.ts';
import { planRedrive, type PlanOptions } from './select.ts';

function letter(offset: number, changes: Partial<LetterHead> = {}): LetterHead {
  return {
    ...{ topic: 'orders.dlq', partition: 0, offset, timestampMs: offset, code: 'A', step: 'process' },
    ...{ subtopology: 'orders', reason: 'no', attempt: 1, obstacle: undefined },
    origin: { topic: 'orders', partition: 0, offset: 100 + offset },
    key: Buffer.from('k'),
    target: { kind: 'topic', topic: 'orders', partition: 0 },
    ...changes,
  };
}

function plan(letters: readonly LetterHead[], changes: Partial<PlanOptions> = {}) {
  const planned = planRedrive(letters, {
    ...{ selection: {}, isDone: () => false, obstacle: () => undefined, again: false, extend: false },
    ...changes,
  });
  const offsets = (some: readonly LetterHead[]) => some.map(({ offset }) => offset);
  return { ...planned, sent: offsets(planned.letters), overtaken: offsets(planned.overtaken) };
}

const withKey = (offset: number, key: string, code = 'A') => letter(offset, { key: Buffer.from(key), code });

describe('a redrive keeps the order of each key', () => {
  const letters = [withKey(0, 'a', 'B'), withKey(1, 'b'), withKey(2, 'a'), withKey(3, 'a')];

  test('what would be overtaken is named, or added', () => {
    expect(plan(letters).sent).toEqual([0, 1, 2, 3]);
    expect(plan(letters, { selection: { code: 'A' } }).overtaken).toEqual([0]);
    expect(plan(letters, { selection: { offsets: [3] } }).overtaken).toEqual([0, 2]);
    expect(plan(letters, { selection: { offsets: [3] }, extend: true })).toMatchObject({
      ...{ sent: [0, 2, 3], added: 2, overtaken: [] },
    });
    expect(plan(letters, { selection: { key: 'b' } }).sent).toEqual([1]);
  });

  test('what was sent before, and what can never be sent, holds up nothing', () => {
    const isDone = ({ offset }: LetterHead) => offset === 0;
    expect(plan(letters, { selection: { code: 'A' }, isDone }).sent).toEqual([1, 2, 3]);
    expect(plan(letters, { isDone })).toMatchObject({ sent: [1, 2, 3], doneBefore: 1 });
    expect(plan(letters, { isDone, again: true }).sent).toEqual([0, 1, 2, 3]);
    const cut = [letter(0, { obstacle: 'cut' }), letter(1)];
    expect(plan(cut)).toMatchObject({ sent: [1], left: [{ reason: 'cut' }] });
    expect(plan(cut, { selection: { offsets: [1] } })).toMatchObject({ sent: [1], left: [] });
    const isGone = ({ offset }: LetterHead) => (offset === 1 ? 'no such topic' : undefined);
    expect(plan([letter(1)], { obstacle: isGone }).left).toMatchObject([{ reason: 'no such topic' }]);
  });

  test('letters without a key, rows, and letters to other partitions have no order', () => {
    const row = { kind: 'table', table: 'clicks' } as const;
    const other = { kind: 'topic', topic: 'orders', partition: 1 } as const;
    for (const changes of [{ key: null }, { target: row }, { target: other }])
      expect(
        plan([letter(0, changes), letter(1, changes), letter(2)], { selection: { offsets: [2] } }).sent,
      ).toEqual([2]);
  });

  test('whatever is chosen, whatever was sent: none overtakes an earlier one, none is sent twice', () => {
    const anyLetters = fc
      .array(
        fc.record({
          key: fc.constantFrom('a', 'b', 'c'),
          code: fc.constantFrom('A', 'B'),
          stays: fc.boolean(),
        }),
      )
      .map((all) =>
        all.map(({ key, code, stays }, offset) =>
          letter(offset, { key: Buffer.from(key), code, obstacle: stays ? 'cut' : undefined }),
        ),
      );
    fc.assert(
      fc.property(
        anyLetters,
        fc.array(fc.constantFrom('A', 'B', undefined), { minLength: 1 }),
        fc.array(fc.nat(30)),
        (letters_, codes, offsets) => {
          const sent = new Set<string>();
          const order: LetterHead[] = [];
          for (const [round, code] of codes.entries()) {
            const some = round % 2 === 0 && offsets.length > 0 ? { offsets } : {};
            const planned = planRedrive(letters_, {
              selection: { ...some, ...(code === undefined ? {} : { code }) },
              isDone: (one) => sent.has(letterId(one)),
              obstacle: () => undefined,
              ...{ again: false, extend: true },
            });
            for (const one of planned.letters) {
              expect(sent.has(letterId(one))).toBe(false);
              sent.add(letterId(one));
              order.push(one);
            }
          }
          for (const key of ['a', 'b', 'c']) {
            const ofKey = order.filter((one) => String(one.key) === key).map(({ offset }) => offset);
            expect(ofKey).toEqual(ofKey.toSorted((a, b) => a - b));
            // No gap either: what was passed over can never be sent.
            const upTo = letters_.filter(
              (one) =>
                String(one.key) === key && one.obstacle === undefined && one.offset <= (ofKey.at(-1) ?? -1),
            );
            expect(ofKey).toEqual(upTo.map(({ offset }) => offset));
          }
        },
      ),
    );
  });
});
