import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecord, encodeRecord } from './redis-record.ts';

describe('records of Redis', () => {
  it('carry any text, and any version as digits that the script can read', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.option(fc.string({ unit: 'binary' })), (version, value) => {
        const record = encodeRecord(version, value);
        expect(decodeRecord(record)).toBe(value);
        expect(/^\d+/.exec(record)?.[0]).toBe(`${version}`);
      }),
    );
  });

  it('are absent where there is none', () => {
    expect(decodeRecord(null)).toBeNull();
  });
});
