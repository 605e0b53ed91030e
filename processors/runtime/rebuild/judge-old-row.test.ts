import { expect, it } from 'vitest';
import { judgeOldRow, type OldRow } from './judge-old-row.ts';

const one = { a: 1, b: 1 };
const other = { a: 2, b: 2 };
const verdict = (row: Partial<OldRow>) =>
  judgeOldRow({
    ...{ found: undefined, remade: undefined, isBeyond: false, isFromLog: true },
    ...{ isByClock: false, hasClockKeys: false, ...row },
  });

it('leaves alone what the second run gives too', () => {
  expect(verdict({ found: one, remade: one })).toBe('right');
  expect(verdict({ found: one, remade: one, isFromLog: false, isByClock: true })).toBe('right');
});

it('writes what is missing or reads otherwise where the log has all of it', () => {
  expect(verdict({ remade: one })).toBe('written');
  expect(verdict({ found: other, remade: one })).toBe('written');
  expect(verdict({ remade: one, isFromLog: false })).toBe('nothing');
  expect(verdict({ found: other, remade: one, isFromLog: false })).toBe('kept');
  expect(verdict({ found: other, remade: one, isByClock: true })).toBe('kept');
});

it('deletes what the second run does not give, unless the log or the clock may be why', () => {
  expect(verdict({ found: one })).toBe('deleted');
  expect(verdict({ found: one, isFromLog: false })).toBe('kept');
  expect(verdict({ found: one, hasClockKeys: true })).toBe('kept');
});

it('believes no version that no task has come to', () => {
  expect(verdict({ found: one, isBeyond: true })).toBe('deleted');
  expect(verdict({ found: one, isBeyond: true, isFromLog: false, hasClockKeys: true })).toBe('deleted');
  expect(verdict({ found: one, remade: one, isBeyond: true })).toBe('written');
  expect(verdict({ found: one, remade: one, isBeyond: true, isFromLog: false })).toBe('deleted');
});
