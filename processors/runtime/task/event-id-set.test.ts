import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventIdSet, packedIds, parseUuid } from './event-id-set.ts';

const NIL = '00000000-0000-0000-0000-000000000000';
const notNil = fc.uuid().filter((uuid) => uuid !== NIL);

function wordsOf(uuid: string): Uint32Array {
  const words = new Uint32Array(4);
  expect(parseUuid(uuid, words)).toBe(true);
  return words;
}

test('reads the 128 bits of a UUID, upper or lower case', () => {
  const words = wordsOf('01890a5d-ac96-774b-bcce-b302099a8057');
  expect([...words]).toEqual([0x01890a5d, 0xac96774b, 0xbcceb302, 0x099a8057]);
  expect(wordsOf('01890A5D-AC96-774B-BCCE-B302099A8057')).toEqual(words);
});

test('tells what is no UUID, and the nil UUID', () => {
  const words = new Uint32Array(4);
  const wrong = [
    NIL,
    '',
    'order-1',
    '01890a5dac96774bbcceb302099a8057',
    '01890a5d-ac96-774b-bcce-b302099a805',
    '01890a5d-ac96-774b-bcce-b302099a80577',
    '01890a5d-ac96-774b-bcce-b302099a805g',
    '01890a5d_ac96-774b-bcce-b302099a8057',
    '{1890a5d-ac96-774b-bcce-b302099a805}',
    '01890a5d-ac96-774b-bcce-b302099a80é7',
  ];
  expect(wrong.filter((text) => parseUuid(text, words))).toEqual([]);
});

test('is a set, also while it grows', () => {
  const set = new EventIdSet();
  const oracle = new Set<string>();
  const next = fc.sample(notNil, { numRuns: 3000, seed: 7 });
  for (const uuid of [...next, ...next.slice(0, 500)]) {
    const words = wordsOf(uuid);
    expect(set.has(words)).toBe(oracle.has(uuid));
    expect(set.add(words)).toBe(!oracle.has(uuid));
    oracle.add(uuid);
    expect(set.has(words)).toBe(true);
  }
  expect(set.size).toBe(oracle.size);
});

test('ids that differ in one word only are different members', () => {
  const ids = Array.from({ length: 5000 }, (_, number) => {
    const id = new Uint32Array(4);
    id[number % 4] = number + 1;
    return id;
  });
  const set = new EventIdSet();
  for (const id of ids) expect(set.add(id)).toBe(true);
  expect(ids.every((id) => set.has(id))).toBe(true);
  expect(set.size).toBe(5000);
});

test('packed ids are the same set again', () => {
  fc.assert(
    fc.property(fc.uniqueArray(notNil), (uuids) => {
      const packed = packedIds(uuids.flatMap((uuid) => [...wordsOf(uuid)]));
      expect(packed.toString('hex')).toBe(uuids.join('').replaceAll('-', ''));
      const set = new EventIdSet();
      set.addPacked(packed);
      expect(set.size).toBe(uuids.length);
      expect(uuids.every((uuid) => set.has(wordsOf(uuid)))).toBe(true);
    }),
  );
});
