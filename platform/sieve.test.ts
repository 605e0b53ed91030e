import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Sieve } from './sieve.ts';

class BadItem extends Error {}

/** Takes a batch whole, or refuses it for the bad items in it. */
function sieveOf(isBad: (item: number) => boolean) {
  const taken: number[] = [];
  let attempts = 0;
  const sieve = new Sieve<number>((error) => error instanceof BadItem);
  const attempt = (items: readonly number[]): Promise<void> => {
    attempts += 1;
    if (items.some(isBad)) return Promise.reject(new BadItem('too bad'));
    taken.push(...items);
    return Promise.resolve();
  };
  return { taken, attempts: () => attempts, pass: (items: readonly number[]) => sieve.pass(items, attempt) };
}

test('finds any items to blame, and passes on all others in their order, once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.nat(500)),
      fc.uniqueArray(fc.nat(500), { maxLength: 15 }),
      async (items, bad) => {
        const { taken, pass } = sieveOf((item) => bad.includes(item));
        const refused = await pass(items);
        expect(refused.map(({ item }) => item)).toEqual(items.filter((item) => bad.includes(item)));
        expect(taken).toEqual(items.filter((item) => !bad.includes(item)));
      },
    ),
  );
});

test('one bad item of many costs few attempts', async () => {
  const { attempts, pass } = sieveOf((item) => item === 617);
  expect(await pass(Array.from({ length: 1024 }, (_, n) => n))).toEqual([{ item: 617, reason: 'too bad' }]);
  expect(attempts()).toBe(21);
});

test('twenty in a row and nothing taken between: not the items are at fault', async () => {
  const all = sieveOf(() => true);
  await expect(all.pass(Array.from({ length: 1000 }, (_, n) => n))).rejects.toBeInstanceOf(BadItem);
  const [slowly, some] = [sieveOf(() => true), sieveOf((item) => item % 10 !== 0)];
  for (let n = 0; n < 19; n++) expect(await slowly.pass([n])).toHaveLength(1);
  await expect(slowly.pass([19])).rejects.toBeInstanceOf(BadItem);
  expect(await some.pass(Array.from({ length: 100 }, (_, n) => n))).toHaveLength(90);
});

test('a refusal that is for no item ends it at once', async () => {
  const sieve = new Sieve<number>((error) => error instanceof BadItem);
  let attempts = 0;
  const away = new Error('away');
  const refuse = () => ((attempts += 1), Promise.reject(away));
  await expect(sieve.pass([1, 2, 3], refuse)).rejects.toBe(away);
  expect(attempts).toBe(1);
});
