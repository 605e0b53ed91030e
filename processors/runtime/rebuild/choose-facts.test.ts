import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Digest } from '../audit/digest.ts';
import { chooseFacts, type Candidate } from './choose-facts.ts';

/** Hashes that look like any others, the same for the same id. */
const hashOf = (id: number) => ({
  a: Math.imul(id + 1, 0x9e3779b1) >>> 0,
  b: Math.imul(id + 7, 0x85ebca6b) >>> 0,
});

const candidate = (
  offset: number,
  fields: Partial<Candidate> & { readonly eventId?: number } = {},
): Candidate => {
  const { eventId = offset, ...rest } = fields;
  return { offset, id: hashOf(eventId), isRepeated: false, isDead: false, isThere: false, ...rest };
};

function digestOf(candidates: readonly Candidate[]): Digest {
  const digest = new Digest();
  for (const { id } of candidates) digest.add(id);
  return digest;
}

const factsOf = (candidates: readonly Candidate[], said: Digest) => {
  const { facts, isProven } = chooseFacts(candidates, said);
  return { facts: [...facts].sort((x, y) => x - y), isProven };
};

describe('chooseFacts', () => {
  it('takes all where the account says so, repeated ones too', () => {
    const all = [candidate(0), candidate(1), candidate(2, { eventId: 0, isRepeated: true })];
    expect(factsOf(all, digestOf(all))).toEqual({ facts: [0, 1, 2], isProven: true });
  });

  it('leaves repeated records and dead letters out', () => {
    const all = [
      candidate(0),
      candidate(1, { isDead: true }),
      candidate(2, { eventId: 0, isRepeated: true }),
    ];
    expect(factsOf(all, digestOf([candidate(0)]))).toEqual({ facts: [0], isProven: true });
  });

  it('finds one or two that nothing explains, and takes the first copy of an event', () => {
    const all = [candidate(0), candidate(1), candidate(2, { eventId: 0 }), candidate(3)];
    expect(factsOf(all, digestOf([candidate(0), candidate(1), candidate(3)])).facts).toEqual([0, 1, 3]);
    expect(factsOf(all, digestOf([candidate(0), candidate(1)]))).toEqual({ facts: [0, 1], isProven: true });
  });

  it('lets a repeated record be a fact whose first copy its task had forgotten', () => {
    const repeated = { eventId: 0, isRepeated: true };
    const all = [
      candidate(0),
      candidate(1, repeated),
      candidate(2, { ...repeated, eventId: 9 }),
      candidate(3, { isDead: true }),
    ];
    const said = digestOf([candidate(0), candidate(2, { eventId: 9 })]);
    expect(factsOf(all, said)).toEqual({ facts: [0, 2], isProven: true });
  });

  it('believes rows that are there where they come to what the account says', () => {
    const all = Array.from({ length: 20 }, (_, n) => candidate(n, { isThere: n % 2 === 0 }));
    const said = digestOf(all.filter(({ isThere }) => isThere));
    expect(factsOf(all, said)).toEqual({ facts: [0, 2, 4, 6, 8, 10, 12, 14, 16, 18], isProven: true });
  });

  it('says that it cannot tell', () => {
    const all = [
      candidate(0),
      candidate(1, { isDead: true }),
      candidate(2, { isRepeated: true, isThere: true }),
    ];
    expect(factsOf(all, digestOf([candidate(77), candidate(78), candidate(79)]))).toEqual({
      ...{ facts: [0, 2], isProven: false },
    });
  });

  it('comes to the count and ids of the account wherever it says that it is proven', () => {
    const one = fc.record({
      eventId: fc.nat(12),
      isRepeated: fc.boolean(),
      isDead: fc.boolean(),
      isThere: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(one, { maxLength: 24 }),
        fc.array(fc.boolean(), { maxLength: 24 }),
        (fields, isFact) => {
          const all = fields.map((some, offset) => candidate(offset, some));
          const said = digestOf(all.filter((_, index) => isFact[index] === true));
          const { facts, isProven } = chooseFacts(all, said);
          const chosen = digestOf(all.filter(({ offset }) => facts.has(offset)));
          return !isProven || chosen.equals(said);
        },
      ),
    );
  });
});
