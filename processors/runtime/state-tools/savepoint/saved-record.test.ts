import fc from 'fast-check';
import { expect, test } from 'vitest';
import { savedLine, savedRecord } from './saved-record.ts';

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const text = fc.string({ unit: 'grapheme' }).map((value) => Buffer.from(value));

test('a record comes back as it was, whatever its bytes', () => {
  fc.assert(
    fc.property(
      fc.option(text),
      fc.option(fc.oneof(bytes, text)),
      fc.integer({ min: 0, max: 2 ** 41 }),
      fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
      (key, value, timestampMs, headers) => {
        const line = savedLine({ offset: 0, key, value, timestampMs, headers });
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(savedRecord(line)).toEqual({
          ...{ key: key === null ? null : key.toString('utf8'), value, timestampMs },
          headers: { ...headers },
        });
      },
    ),
  );
});
