import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeParameter, json } from './parameter.ts';
import { decodeArray, decoderOf } from './value.ts';

const decode = (oid: number, text: string) => decoderOf(oid)(text);
const TIMESTAMPTZ = 1184;

describe('values of PostgreSQL', () => {
  it.each([
    ['2026-01-31 12:00:00+00', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31 12:00:00.123456+00', '2026-01-31T12:00:00.123Z'],
    ['2026-01-31 12:00:00.5+05:30', '2026-01-31T06:30:00.500Z'],
    ['1883-11-18 12:00:00-04:56:02', '1883-11-18T16:56:02.000Z'],
    ['0044-03-15 12:00:00', '0044-03-15T12:00:00.000Z'],
    ['0044-03-15 12:00:00+00 BC', '-000043-03-15T12:00:00.000Z'],
    ['12026-01-01 00:00:00+00', '+012026-01-01T00:00:00.000Z'],
  ])('reads the timestamp %s', (text, iso) => {
    expect((decode(TIMESTAMPTZ, text) as Date).toISOString()).toBe(iso);
  });

  it('reads what is no date as what it is, and refuses another style', () => {
    expect(decode(TIMESTAMPTZ, '-infinity')).toBe(-Infinity);
    expect(() => decode(TIMESTAMPTZ, 'Sat Jan 31 12:00:00 2026')).toThrow(RangeError);
  });

  it('keeps what it does not know as text', () => {
    expect(decode(999_999, '(1,2)')).toBe('(1,2)');
  });

  it('reads arrays with bounds and depth', () => {
    expect(decodeArray('[2:3]={1,NULL}', Number)).toEqual([1, null]);
    expect(decodeArray('{{a,"b,}"},{"NULL","\\"\\\\"}}', String)).toEqual([
      ['a', 'b,}'],
      ['NULL', '"\\'],
    ]);
    expect(() => decodeArray('{1,2', Number)).toThrow(RangeError);
    expect(() => decodeArray('{"1', Number)).toThrow(RangeError);
  });

  it('reads every array of texts that it writes', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.string({ unit: 'binary' }))), (values) => {
        expect(decodeArray(encodeParameter(values) ?? '', String)).toEqual(values);
      }),
    );
  });
});

describe('parameters', () => {
  it('are written as PostgreSQL reads them', () => {
    expect(encodeParameter(undefined)).toBeNull();
    expect(encodeParameter(9_007_199_254_740_993n)).toBe('9007199254740993');
    expect(encodeParameter(new Uint8Array([0, 255]))).toBe('\\x00ff');
    expect(encodeParameter({ a: 1 })).toBe('{"a":1}');
    expect(encodeParameter(json([1]))).toBe('[1]');
    expect(encodeParameter(json(undefined))).toBe('null');
    expect(encodeParameter([1, null, [2n]])).toBe('{"1",NULL,{"2"}}');
    expect(encodeParameter(new Date('2026-01-31T12:00:00.123Z'))).toBe('2026-01-31T12:00:00.123Z');
    expect(encodeParameter(new Date(Date.UTC(12_026, 0, 1)))).toBe('12026-01-01T00:00:00.000Z');
    expect(encodeParameter(new Date('-000043-03-15T12:00:00.000Z'))).toBe('0044-03-15T12:00:00.000Z BC');
  });

  it('refuse what has no text', () => {
    expect(() => encodeParameter(() => 1)).toThrow(TypeError);
    expect(() => encodeParameter(Symbol('s'))).toThrow(TypeError);
    expect(() => encodeParameter(new Date(Number.NaN))).toThrow(RangeError);
  });
});
