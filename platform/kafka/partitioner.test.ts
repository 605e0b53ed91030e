import fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { murmur2, partitionFor } from './partitioner.ts';

/** Values of org.apache.kafka.common.utils.UtilsTest.testMurmur2. */
const javaValues: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

describe('murmur2', () => {
  it.each(javaValues)('hashes %s as Java does', (key, hash) => {
    expect(murmur2(key)).toBe(hash);
    expect(murmur2(Buffer.from(key))).toBe(hash);
  });

  it('hashes a string as its UTF-8 bytes, ASCII or not', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (key) => {
        expect(murmur2(key)).toBe(murmur2(Buffer.from(key, 'utf8')));
      }),
    );
  });
});

describe('partitionFor', () => {
  it.each(javaValues)('clears the sign bit and takes the modulus for %s', (key, hash) => {
    expect(partitionFor(key, 1)).toBe(0);
    expect(partitionFor(key, 12)).toBe((hash & 0x7fffffff) % 12);
  });

  it('agrees with the Java-compatible partitioner of kafkajs for any bytes', () => {
    const partitioner = Partitioners.DefaultPartitioner();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 1, max: 64 }), (bytes, partitions) => {
        const key = Buffer.from(bytes);
        const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
          partitionId,
          leader: 1,
          partitionErrorCode: 0,
          replicas: [],
          isr: [],
        }));
        const theirs = partitioner({ topic: 't', partitionMetadata, message: { key, value: null } });
        expect(partitionFor(key, partitions)).toBe(theirs);
      }),
    );
  });

  it('refuses a partition count that is not a positive integer', () => {
    expect(() => partitionFor('a', 0)).toThrow(RangeError);
    expect(() => partitionFor('a', 1.5)).toThrow(RangeError);
  });
});
