import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitCsvRow } from './csv-row.ts';

describe('splitCsvRow', () => {
  test.each([
    ['a,b,c', ['a', 'b', 'c']],
    ['', ['']],
    ['a,,', ['a', '', '']],
    ['"a","b"', ['a', 'b']],
    ['"a,b",c', ['a,b', 'c']],
    ['"say ""hi""",', ['say "hi"', '']],
  ])('splits %s', (line, cells) => expect(splitCsvRow(line)).toEqual(cells));

  test.each(['"a', 'a"b', '"a"b,c', '"a,b'])('finds no cells in %s', (line) =>
    expect(splitCsvRow(line)).toBeUndefined(),
  );

  test('takes back what was quoted', () => {
    const cells = fc.array(fc.string(), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(cells, (texts) => {
        const line = texts.map((text) => `"${text.replaceAll('"', '""')}"`).join(',');
        expect(splitCsvRow(line)).toEqual(texts);
      }),
    );
  });
});
