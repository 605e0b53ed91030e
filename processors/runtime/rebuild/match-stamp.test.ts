import { describe, expect, it } from 'vitest';
import { hashRow } from '../audit/row-text.ts';
import { matchStamp, stampedHash, type StampSearch } from './match-stamp.ts';

const COLUMNS = ['channel', 'emitted_at', 'reason', 'version', 'views'];
const AT = 1_767_225_600_000;

const hashOf = (row: Readonly<Record<string, unknown>>, columns = COLUMNS) => {
  const hash = { a: 0, b: 0 };
  hashRow(row, columns, hash);
  return hash;
};

const said = { channel: 'wéb', emitted_at: AT, reason: 'watermark', version: 2 ** 40 + 7, views: 3 };
/** The same row as a second run says it, later and for another reason. */
const remade = ['wéb', String(AT + 86_400_000), 'idle', String(2 ** 40 + 1), '3'];
const search = (fields: Partial<StampSearch> = {}): StampSearch => ({
  ...{
    columns: COLUMNS,
    version: said.version,
    row: hashOf(said),
    atMs: AT + 1500,
    known: [],
    isThorough: true,
  },
  ...fields,
});

describe('matchStamp', () => {
  it('finds when and why a row was said by its hash', () => {
    expect(matchStamp(remade, search())).toEqual({ emittedAtMs: AT, reason: 'watermark' });
  });

  it('asks the times of the same commit first, and none else unless told to', () => {
    expect(matchStamp(remade, search({ isThorough: false }))).toBeUndefined();
    expect(matchStamp(remade, search({ isThorough: false, known: [AT - 1, AT] }))?.emittedAtMs).toBe(AT);
  });

  it('does without a reason where the table has none', () => {
    const columns = COLUMNS.filter((name) => name !== 'reason');
    const cells = remade.filter((_, index) => index !== 2);
    expect(matchStamp(cells, search({ columns, row: hashOf(said, columns) }))).toEqual({
      ...{ emittedAtMs: AT, reason: undefined },
    });
  });

  it('refuses a row with another value or version', () => {
    expect(matchStamp([...remade.slice(0, 4), '4'], search())).toBeUndefined();
    expect(matchStamp(remade, search({ version: said.version + 1 }))).toBeUndefined();
  });

  it('does not look beyond what a commit may have waited', () => {
    expect(matchStamp(remade, search({ atMs: AT + 60_000 }))).toBeUndefined();
  });
});

it('hashes a row with its own time and another version', () => {
  const row = { ...said, emitted_at: AT + 86_400_000, reason: 'idle', version: 9 };
  expect(stampedHash(remade, { columns: COLUMNS, version: 9 })).toEqual(hashOf(row));
});
