import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Digest } from './digest.ts';
import { hashRecord, hashText, hashUuid, type HashPair } from './hash-pair.ts';

const uuid = () => fc.uint32Array({ minLength: 4, maxLength: 4 });
const hashOf = (id: Uint32Array): HashPair => {
  const pair = { a: 0, b: 0 };
  hashUuid(id, pair);
  return pair;
};
const digestOf = (ids: readonly Uint32Array[]): Digest => {
  const digest = new Digest();
  for (const id of ids) digest.add(hashOf(id));
  return digest;
};

test('hashes are those of ClickHouse', () => {
  // select murmurHash3_32(x), xxHash32(x) of reinterpretAsFixedString(toUUID('00112233-4455-6677-8899-aabbccddeeff'))
  expect(hashOf(Uint32Array.of(0x00112233, 0x44556677, 0x8899aabb, 0xccddeeff))).toEqual({
    a: 514_572_923,
    b: 1_362_548_487,
  });
  const pair = { a: 0, b: 0 };
  hashText('abc', pair);
  expect(pair).toEqual({ a: 3_017_643_002, b: 852_579_327 });
});

test('a digest does not depend on the order, and on every member', () => {
  fc.assert(
    fc.property(fc.array(uuid(), { minLength: 1, maxLength: 50 }), fc.nat(), (ids, pick) => {
      const all = digestOf(ids);
      expect(digestOf([...ids].reverse()).equals(all)).toBe(true);
      const [first, ...rest] = [...ids.slice(pick % ids.length), ...ids.slice(0, pick % ids.length)];
      const without = digestOf(rest);
      expect(without.equals(all)).toBe(false);
      expect(all.minus(without).isOf(hashOf(first as Uint32Array))).toBe(true);
      without.merge(digestOf([first as Uint32Array]));
      expect(without.equals(all)).toBe(true);
      expect(Digest.of(JSON.parse(JSON.stringify(all)) as [number, number, number]).equals(all)).toBe(true);
    }),
  );
});

test('a member twice is not a member fewer, as it would be with exclusive or', () => {
  const id = Uint32Array.of(1, 2, 3, 4);
  expect(digestOf([id, id]).equals(digestOf([]))).toBe(false);
  // Ids that differ in little, as made ones do: sums of the ids themselves would be equal.
  const ids = [1, 4, 2, 3].map((n) => Uint32Array.of(0, 0, 0, n));
  expect(digestOf(ids.slice(0, 2)).equals(digestOf(ids.slice(2)))).toBe(false);
});

test('a record is told from another by key, value and time', () => {
  const record = { key: 'k', value: Buffer.from('v'), timestampMs: 5 };
  const others = [
    { key: 'l' },
    { key: null },
    { value: null },
    { value: Buffer.from('w') },
    { timestampMs: 6 },
  ];
  const hashes = [{}, ...others].map((other) => {
    const pair = { a: 0, b: 0 };
    hashRecord({ ...record, ...other }, pair);
    return `${pair.a} ${pair.b}`;
  });
  expect(new Set(hashes).size).toBe(hashes.length);
  const long = { a: 0, b: 0 };
  hashRecord({ ...record, value: Buffer.alloc(200_000, 7) }, long);
  const bytes = { a: 0, b: 0 };
  hashRecord({ ...record, key: Buffer.from('k'), value: Buffer.alloc(200_000, 7) }, bytes);
  expect(bytes).toEqual(long);
});
