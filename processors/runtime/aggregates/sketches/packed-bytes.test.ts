import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PackedReader, PackedWriter } from './packed-bytes.ts';

const steps = fc.array(
  fc.oneof(
    fc.tuple(fc.constant('byte' as const), fc.integer({ min: 0, max: 255 })),
    fc.tuple(fc.constant('varint' as const), fc.maxSafeNat()),
    fc.tuple(fc.constant('signedVarint' as const), fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 })),
    fc.tuple(fc.constant('float64' as const), fc.double()),
  ),
);

test('reads back what was written', () => {
  fc.assert(
    fc.property(steps, (written) => {
      const writer = new PackedWriter();
      for (const [kind, value] of written) writer[kind](value);
      const reader = new PackedReader(writer.base64());
      expect(written.map(([kind]) => [kind, reader[kind]()])).toEqual(
        written.map(([kind, value]) => [kind, value]),
      );
      expect(() => reader.byte()).toThrow(RangeError);
    }),
  );
});

test('takes one byte for a small number', () => {
  const writer = new PackedWriter();
  for (const value of [0, 127, 128]) writer.varint(value);
  for (const value of [-64, 63, 64]) writer.signedVarint(value);
  expect(Buffer.from(writer.base64(), 'base64').toString('hex')).toBe('007f8001' + '7f7e8001');
});
