import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { evalRecs } from './eval-recs.ts';

const CROWDS = Array.from({ length: 40 }, (_, user) => {
  const items = Array.from({ length: 6 }, (_n, n) => (user % 2) * 100 + ((user * 5 + n * 7) % 12));
  return { user: `u${user}`, items: [...new Set(items)] };
});

async function files(train: string, test: string) {
  const dir = await temporaryDir();
  const paths = { train: join(dir, 'train.txt.gz'), test: join(dir, 'test.txt') };
  writeFileSync(paths.train, gzipSync(train));
  writeFileSync(paths.test, test);
  const notes: string[] = [];
  const options = { model: 'auto', k: 3, seed: 1, effort: 0.1, note: (line: string) => notes.push(line) };
  return { options: { ...paths, ...options }, notes };
}

const lines = (of: (crowd: (typeof CROWDS)[number]) => readonly (string | number)[]) =>
  CROWDS.map((crowd) => of(crowd).join(' ')).join('\r\n');
const train = lines(({ user, items }) => [user, ...items.slice(1)]);

test('finds what users of the same crowd took, and says what it did', async () => {
  const { options, notes } = await files(
    train,
    lines(({ user, items }) => [user, items[0] ?? 0]),
  );
  const result = await evalRecs(options);
  expect(result).toMatchObject({ users: 40, items: 24 });
  expect(result.recallAtK).toBeGreaterThan(0.3);
  expect(result.ndcgAtK).toBeGreaterThan(0.2);
  expect(result.ndcgAtK).toBeLessThanOrEqual(result.recallAtK);
  expect(notes.join('\n')).toMatch(/40 users, 24 items, \d+ pairs[^]*chosen: /);
  expect(await evalRecs(options)).toMatchObject({ model: result.model, ndcgAtK: result.ndcgAtK });
});

test('strangers get what is popular, unknown items are told of, and files of another shop are refused', async () => {
  const strange = await files(train, 'stranger 3\nu1 nowhere 101');
  expect(await evalRecs(strange.options)).toMatchObject({ users: 2 });
  expect(strange.notes.join('\n')).toMatch(/1 users are not in [^]*1 items are not in /);
  const other = await files(train, 'u1 other');
  await expect(evalRecs(other.options)).rejects.toMatchObject({ code: 'MR_MODEL_DATA_UNFIT' });
});

test('a file that is missing or empty', async () => {
  const { options } = await files(train, 'u1 1');
  await expect(evalRecs({ ...options, test: '/nowhere' })).rejects.toMatchObject({
    code: 'MR_REPLAY_NOT_FOUND',
  });
  await expect(evalRecs({ ...options, test: '/tmp' })).rejects.toThrow('/tmp is a folder');
  const empty = await files('', 'u1 1');
  await expect(evalRecs(empty.options)).rejects.toMatchObject({ code: 'MR_MODEL_DATA_EMPTY' });
});
