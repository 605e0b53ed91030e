import { describe, expect, test } from 'vitest';
import { Secret } from '../../platform/config.ts';
import { createKeyRing } from './key-ring.ts';

const ring = createKeyRing([new Secret('first-key-of-sixteen'), new Secret('second-key-of-sixteen')]);
const coded = (code: string) => expect.objectContaining({ code }) as Error;

describe('createKeyRing', () => {
  test.each([
    { authorization: 'Bearer first-key-of-sixteen' },
    { authorization: 'bearer  second-key-of-sixteen ' },
    { 'x-api-key': 'second-key-of-sixteen' },
    { authorization: 'Basic Zm9vOmJhcg==', 'x-api-key': 'first-key-of-sixteen' },
  ])('lets %j pass', (headers) => expect(() => ring.authorise(headers)).not.toThrow());

  test.each([
    {},
    { authorization: '' },
    { authorization: 'Bearer' },
    { authorization: 'Basic abc' },
    { 'x-api-key': '' },
  ])('misses the key in %j', (headers) =>
    expect(() => ring.authorise(headers)).toThrow(coded('MR_INGEST_KEY_MISSING')),
  );

  test.each([
    { authorization: 'Bearer first-key-of-sixteeN' },
    { 'x-api-key': 'first-key-of-sixtee' },
    { authorization: 'Bearer wrong', 'x-api-key': 'first-key-of-sixteen' },
  ])('refuses %j', (headers) =>
    expect(() => ring.authorise(headers)).toThrow(coded('MR_INGEST_KEY_INVALID')),
  );

  test('without keys, refuses everybody', () => {
    const headers = { 'x-api-key': 'first-key-of-sixteen' };
    expect(() => createKeyRing([]).authorise(headers)).toThrow(coded('MR_INGEST_KEY_INVALID'));
  });
});
