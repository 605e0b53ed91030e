import { expect, test } from 'vitest';
import { rowOf } from '../sparse/csr-matrix.ts';
import { parseInteractions } from './parse-interactions.ts';

const parse = (...lines: readonly string[]) => parseInteractions(lines, 'train.txt');

test('ids may have gaps and be words; repeated pairs count once; users may come again', async () => {
  const { users, items, matrix, repeated } = await parse('7 100 3 100', '', 'anna 3', '7 5', '9');
  expect({ users, items, repeated }).toEqual({
    ...{ users: ['7', 'anna', '9'], items: ['100', '3', '5'] },
    repeated: 1,
  });
  expect([0, 1, 2].map((row) => [...rowOf(matrix, row)])).toEqual([[0, 1, 2], [1], []]);
});

test('an empty file says so', async () => {
  for (const lines of [[], ['', '  '], ['1', '2']])
    await expect(parse(...lines)).rejects.toMatchObject({ code: 'MR_MODEL_DATA_EMPTY' });
});

test('what is no id is named with its line', async () => {
  for (const bad of ['1 NaN', 'null 2', '1 2 -inf', `1 ${'x'.repeat(300)}`])
    await expect(parse('0 1', bad)).rejects.toMatchObject({
      ...{ code: 'MR_MODEL_DATA_INVALID', context: { source: 'train.txt', line: 2 } },
    });
});
