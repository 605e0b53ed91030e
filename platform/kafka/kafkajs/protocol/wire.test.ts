import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter, varintLength } from './wire.ts';

const safeInteger = fc.maxSafeInteger();

describe('wire primitives', () => {
  it('give back what was written', () => {
    fc.assert(
      fc.property(
        safeInteger,
        fc.integer({ min: -32_768, max: 32_767 }),
        fc.option(fc.string({ unit: 'grapheme' })),
        fc.array(fc.integer()),
        (long, short, text, numbers) => {
          const out = new ByteWriter(1);
          out
            .int64(long)
            .int16(short)
            .string(text)
            .array(numbers, (n) => out.int32(n));
          const body = new ByteReader(out.finish());
          expect(body.int64()).toBe(long);
          expect(body.int16()).toBe(short);
          expect(body.nullableString()).toBe(text);
          expect(body.array(() => body.int32())).toEqual(numbers);
          expect(body.position).toBe(out.length);
        },
      ),
    );
  });

  it('are whole wherever the writer has to grow', () => {
    for (let filled = 250; filled <= 260; filled++) {
      const out = new ByteWriter(256).raw(Buffer.alloc(filled)).int8(-5).int16(-6).int8(7);
      const body = new ByteReader(out.finish().subarray(filled));
      expect([body.int8(), body.int16(), body.int8()]).toEqual([-5, -6, 7]);
    }
  });

  it('give back the compact forms of the flexible versions', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.nat(0xff_ff_ff)), (text, numbers) => {
        const out = new ByteWriter();
        out
          .compactString(text)
          .compactArray(numbers, (n) => out.uvarint(n))
          .noTags();
        const body = new ByteReader(out.finish());
        expect(body.compactNullableString()).toBe(text);
        expect(body.compactArray(() => body.uvarint())).toEqual(numbers);
        body.skipTags();
        expect(body.position).toBe(out.length);
      }),
    );
  });

  it('write zig-zag varints as long as they say', () => {
    fc.assert(
      fc.property(safeInteger, (value) => {
        const out = new ByteWriter();
        out.varint(value);
        expect(out.length).toBe(varintLength(value));
      }),
    );
    for (const [value, hex] of [
      [0, '00'],
      [-1, '01'],
      [1, '02'],
      [-64, '7f'],
      [64, '8001'],
      [300, 'd804'],
    ] as const)
      expect(new ByteWriter().varint(value).finish().toString('hex')).toBe(hex);
  });

  it('write 64-bit integers as two’s complement', () => {
    expect(new ByteWriter().int64(-2).finish().toString('hex')).toBe('fffffffffffffffe');
    expect(
      new ByteWriter()
        .int64(2 ** 40 + 5)
        .finish()
        .toString('hex'),
    ).toBe('0000010000000005');
  });

  it('refuse a field that reaches beyond the end', () => {
    expect(() => new ByteReader(Buffer.from([0, 5, 65])).string()).toThrow(/beyond the end/);
    expect(() => new ByteReader(Buffer.alloc(3)).int32()).toThrow(/beyond the end/);
    expect(() => new ByteReader(Buffer.alloc(6, 0xff)).uvarint()).toThrow(/varint/);
  });
});
