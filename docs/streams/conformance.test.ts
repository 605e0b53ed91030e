/** Holds conformance.md to the truth: its tests are there, and its cells say yes, partly or no. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const HERE = import.meta.dirname;
const ROOT = join(HERE, '../..');
const ENGINES = ['Millrace', 'Kafka Streams', 'Flink', 'Quix'];
const HEADER = ['behaviour', ...ENGINES, 'our test'];

const tableLines = readFileSync(join(HERE, 'conformance.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) =>
    line
      .slice(1, -1)
      .split(' | ')
      .map((cell) => cell.trim()),
  );
const rows = tableLines.filter((cells) => cells[0] !== 'behaviour' && !/^-+/.test(cells[0] ?? ''));
const chapters = readdirSync(HERE).filter((file) => /^\d\d-.*\.test\.ts$/.test(file));

/** Where a test is: `03` is a chapter, anything else a path in the repository. */
function fileOf(named: string): string {
  const chapter = chapters.find((file) => file.startsWith(`${named}-`));
  return chapter === undefined ? join(ROOT, named) : join(HERE, chapter);
}

/** Titles of the tests of a file, as they stand in its text. */
function titlesOf(file: string): ReadonlySet<string> {
  const calls = /\btest(?:\.each\([^)]*\))?\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g;
  return new Set([...readFileSync(file, 'utf8').matchAll(calls)].map(([, , title = '']) => title));
}

test('the tables have the same columns, and every row has all of them', () => {
  for (const cells of tableLines.filter(([first]) => first === 'behaviour')) expect(cells).toEqual(HEADER);
  expect(rows.filter((cells) => cells.length !== HEADER.length)).toEqual([]);
  expect(rows.length).toBeGreaterThan(80);
});

test('each behaviour stands once', () => {
  const behaviours = rows.map(([behaviour]) => behaviour);
  expect(behaviours.filter((behaviour, index) => behaviours.indexOf(behaviour) !== index)).toEqual([]);
});

test('each engine does it, does it partly or does not; partly says what', () => {
  const faulty = rows.flatMap(([behaviour, ...cells]) =>
    ENGINES.flatMap((engine, index) => {
      const cell = cells[index] ?? '';
      const isSound = /^(?:yes|no)(?:: \S.*)?$|^partly: \S/.test(cell);
      return isSound ? [] : [`${behaviour}, ${engine}: ${cell}`];
    }),
  );
  expect(faulty).toEqual([]);
});

test('where this engine does not do it, the row says what to do instead', () => {
  expect(rows.filter(([, ours]) => ours === 'no').map(([behaviour]) => behaviour)).toEqual([]);
});

test('each row names a test that exists', () => {
  const missing = rows.flatMap(([behaviour, , , , , cell = '']) => {
    const [, named, title] = /^`([^`]+)` “(.+)”$/.exec(cell) ?? [];
    if (named === undefined || title === undefined) return [`${behaviour}: names no test`];
    const file = fileOf(named);
    if (!existsSync(file)) return [`${behaviour}: there is no ${named}`];
    return titlesOf(file).has(title) ? [] : [`${behaviour}: ${named} has no test “${title}”`];
  });
  expect(missing).toEqual([]);
});

test('the index of the manual names each chapter, in order, and no other', () => {
  const readme = readFileSync(join(HERE, 'README.md'), 'utf8');
  const named = [...readme.matchAll(/\]\((\d\d-[^)]*)\)/g)].map(([, file]) => file);
  expect(named).toEqual(chapters.sort());
});
