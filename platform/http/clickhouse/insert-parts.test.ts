import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { insertParts } from './insert-parts.ts';

async function partsOf(chunks: readonly string[], format: string, changes = {}): Promise<string[]> {
  async function* body(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  const parts: string[] = [];
  const options = { format, mayCut: true, partBytes: 40, maxWholeBytes: 200, ...changes };
  for await (const part of insertParts(body(), options)) parts.push(part.toString());
  return parts;
}

/** The text in pieces of the given sizes. */
function chunksOf(text: string, sizes: readonly number[]): string[] {
  const chunks: string[] = [];
  let start = 0;
  for (let index = 0; start < text.length; index++) {
    const size = sizes[index % sizes.length] ?? 1;
    chunks.push(text.slice(start, start + size));
    start += size;
  }
  return chunks;
}

const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 });

describe('insertParts', () => {
  it('cuts TabSeparated only behind a line end, and loses nothing', async () => {
    const line = fc.stringMatching(/^[a-z]{0,20}$/).map((text) => `${text}\t1\n`);
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 50 }), sizes, async (lines, by) => {
        const parts = await partsOf(chunksOf(lines.join(''), by), 'TSV');
        expect(parts.join('')).toBe(lines.join(''));
        for (const part of parts) expect(part.endsWith('\n')).toBe(true);
      }),
    );
  });

  it('keeps a quoted line end of CSV inside of its row', async () => {
    const row = fc.constantFrom('1,"a\nb"\n', '2,"say ""no"""\n', '3,plain\n', '4,"\n\n"\n', '5,""\n');
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 40 }), sizes, async (rows, by) => {
        const parts = await partsOf(chunksOf(rows.join(''), by), 'CSV', { partBytes: 12 });
        expect(parts.join('')).toBe(rows.join(''));
        for (const part of parts) expect((part.match(/"/g)?.length ?? 0) % 2).toBe(0);
        for (const part of parts) expect(part).toMatch(/^\d,/);
      }),
    );
  });

  it('repeats the header in front of every part', async () => {
    const parts = await partsOf(
      chunksOf(`a\tb\nInt8\tInt8\n${'1\t2\n'.repeat(30)}`, [17]),
      'TSVWithNamesAndTypes',
    );
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) expect(part.startsWith('a\tb\nInt8\tInt8\n1\t2\n')).toBe(true);
    expect(parts.join('').match(/1\t2\n/g)).toHaveLength(30);
  });

  it('cuts JSON between objects, not between lines of one', async () => {
    const object = '{"a":[\n{"b":1},\n{"b":2}\n],\n"c":"x"}\n';
    const parts = await partsOf(chunksOf(object.repeat(8), [13]), 'JSONEachRow');
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts)
      expect(
        part
          .trim()
          .split(/(?<=\})\n(?=\{"a")/)
          .every((text) => JSON.parse(text)),
      ).toBe(true);
  });

  it.each([
    ['a format that has no rows to cut at', 'Parquet', true],
    ['an insert with a token for all of it', 'TSV', false],
  ])('refuses %s above the bound, and takes it whole below', async (_what, format, mayCut) => {
    expect(await partsOf(chunksOf('x\n'.repeat(50), [10]), format, { mayCut })).toHaveLength(1);
    await expect(partsOf(chunksOf('x\n'.repeat(500), [10]), format, { mayCut })).rejects.toMatchObject({
      code: 229,
    });
  });
});
