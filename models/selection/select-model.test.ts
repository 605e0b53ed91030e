import { expect, test } from 'vitest';
import { csrOfRows } from '../sparse/csr-matrix.ts';
import { CANDIDATES } from './candidates.ts';
import { selectModel, type SelectOptions } from './select-model.ts';

function draws(): () => number {
  let state = 3;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
}

const select = (rows: readonly (readonly number[])[], options: Partial<SelectOptions> = {}) =>
  selectModel(csrOfRows(rows, 40), {
    ...{ candidates: CANDIDATES, k: 5, random: draws(), maxBytes: 1e9, effort: 0.2 },
    ...options,
  });

/** Two crowds that share no item: what is popular with all suits neither. */
const crowds = Array.from({ length: 60 }, (_, user) =>
  Array.from({ length: 8 }, (_n, n) => (user % 2) * 20 + ((user * 3 + n * n) % 20)),
);

test('takes a model that tells crowds apart, and the same one each time', () => {
  const values = new Map<string, number>();
  const chosen = select(crowds, {
    onTrial: ({ candidate, value }) => values.set(candidate, Math.max(value, values.get(candidate) ?? 0)),
  });
  expect(chosen.candidate).not.toBe('popular');
  expect(chosen.value).toBe(Math.max(...values.values()));
  expect(chosen.value).toBeGreaterThan((values.get('popular') ?? 1) * 1.3);
  expect(select(crowds).fit(csrOfRows(crowds, 40)).name).toBe(chosen.fit(csrOfRows(crowds, 40)).name);
});

test('what takes too much memory is left out with its reason, and where nothing is left it says so', () => {
  const { leftOut } = select(crowds, { maxBytes: 40 * 40 * 12 - 1 });
  expect(leftOut.map(({ candidate }) => candidate)).toContain('ease');
  expect(() => select(crowds, { maxBytes: 10 })).toThrow(
    expect.objectContaining({ code: 'MR_MODEL_TOO_LARGE' }) as Error,
  );
});

test('one user, one item, users of one item each: nothing to choose by, or nothing wrong', () => {
  for (const rows of [[[0]], [[0], [1], [2]]])
    expect(() => select(rows)).toThrow(expect.objectContaining({ code: 'MR_MODEL_DATA_UNFIT' }) as Error);
  expect(select([[0, 1]]).value).toBeGreaterThanOrEqual(0);
});
