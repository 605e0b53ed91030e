import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecord, decodeStored, encodeRecord, HEAD_BYTES, decodeHead } from './redis-record.ts';

describe('records of Redis', () => {
  it('carry any text, and any version as digits that the script can read', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.option(fc.string({ unit: 'binary' })), (version, value) => {
        const record = encodeRecord({ version, value });
        expect(decodeRecord(record)).toBe(value);
        expect(/^\d+/.exec(record)?.[0]).toBe(`${version}`);
      }),
    );
  });

  it('say who wrote them, whatever the value is, and their head alone says so too', () => {
    const owners = fc.option(fc.stringMatching(/^[\w.-]{1,100}$/), { nil: undefined });
    fc.assert(
      fc.property(
        ...[fc.maxSafeNat(), fc.option(fc.string({ unit: 'binary' })), owners],
        (version, value, owner) => {
          const record = encodeRecord({ version, value, ...(owner === undefined ? {} : { owner }) });
          const head = { key: 'k', version, owner: owner ?? null, isDeleted: value === null };
          expect(decodeRecord(record)).toBe(value);
          expect(decodeStored('k', record)).toEqual({ ...head, value });
          expect(decodeHead('k', record.slice(0, HEAD_BYTES))).toEqual(head);
        },
      ),
    );
  });

  it('are absent where there is none', () => {
    expect(decodeRecord(null)).toBeNull();
    expect(decodeStored('k', null)).toBeNull();
    for (const foreign of ['', 'text', '5', '5@', '5@:x', 'x5:y'])
      expect(decodeHead('k', foreign)).toBeUndefined();
  });
});
