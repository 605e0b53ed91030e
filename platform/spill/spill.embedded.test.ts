import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { openSpill, type Spill } from './index.ts';

async function open(path: string, maxBytes?: number): Promise<Spill> {
  const spill = await openSpill({ path, ...(maxBytes === undefined ? {} : { maxBytes }) });
  onTestFinished(() => spill.close());
  return spill;
}

const bytes = (text: string) => Buffer.from(text);
/** In the order of their bytes in UTF-8, which is not that of JavaScript's strings. */
const inOrder = (keys: Iterable<string>) => [...keys].sort((a, b) => Buffer.compare(bytes(a), bytes(b)));

describe('a map', () => {
  test('does what a map in memory does, whatever comes', async () => {
    const spill = await open(await temporaryDir());
    let number = 0;
    const key = fc.oneof(fc.string({ maxLength: 4 }), fc.string({ unit: 'grapheme', maxLength: 3 }));
    const step = fc.oneof(
      fc.record({ put: fc.array(fc.tuple(key, fc.string({ maxLength: 20 })), { maxLength: 8 }) }),
      fc.record({ remove: fc.array(key, { maxLength: 4 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const map = spill.map(`map-${number++}`);
        const truth = new Map<string, string>();
        for (const each of steps) {
          if ('put' in each) {
            map.putMany(each.put.map(([k, v]) => [k, bytes(v)] as const));
            for (const [k, v] of each.put) truth.set(k, v);
          } else {
            map.deleteMany(each.remove);
            for (const k of each.remove) truth.delete(k);
          }
          expect(map.size).toBe(truth.size);
        }
        expect([...map.entries()].map(([k, v]) => [k, v.toString()])).toEqual(
          inOrder(truth.keys()).map((k) => [k, truth.get(k)]),
        );
        for (const [k, v] of truth) expect(map.get(k)?.toString()).toBe(v);
        expect(map.get('never put, I am sure')).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });

  test('takes the empty key, long ones, and values of megabytes', async () => {
    const map = (await open(await temporaryDir())).map('m');
    const long = 'ü'.repeat(3000);
    map.putMany([
      ['', bytes('empty')],
      [long, bytes('long')],
      [`${long}!`, bytes('longer')],
      ['big', Buffer.alloc(8 * 1024 * 1024, 7)],
    ]);
    expect(map.get('')?.toString()).toBe('empty');
    expect([map.get(long)?.toString(), map.get(`${long}!`)?.toString()]).toEqual(['long', 'longer']);
    expect(map.get('big')?.length).toBe(8 * 1024 * 1024);
    map.deleteMany([long]);
    expect([map.has(long), map.has(`${long}!`), map.size]).toEqual([false, true, 3]);
  });

  test('is walked by a range, also while it changes', async () => {
    const map = (await open(await temporaryDir())).map('m');
    map.putMany(Array.from({ length: 500 }, (_, n) => [String(1000 + n), bytes('x')] as const));
    expect([...map.entries({ start: '1100', end: '1103' })].map(([key]) => key)).toEqual([
      '1100',
      '1101',
      '1102',
    ]);
    const seen: string[] = [];
    for (const [key] of map.entries()) {
      seen.push(key);
      if (key === '1010') map.deleteMany(['1011', '1012']);
    }
    expect(seen).toHaveLength(498);
  });

  test('has nothing of another one', async () => {
    const spill = await open(await temporaryDir());
    spill.map('a').putMany([['k', bytes('a')]]);
    spill.map('b').putMany([['k', bytes('b')]]);
    spill.map('a').clear();
    expect([spill.map('a').size, spill.map('b').get('k')?.toString()]).toEqual([0, 'b']);
  });
});

test('is empty when it is opened, and leaves nothing behind', async () => {
  const path = join(await temporaryDir(), 'spill');
  const first = await openSpill({ path });
  first.map('m').putMany([['k', bytes('v')]]);
  await first.close();
  await first.close();
  // But for the lock file, which tells the next opener that nobody owns the folder.
  expect(existsSync(path) ? await readdir(path) : []).toEqual(['lock']);
  expect((await open(path)).map('m').get('k')).toBeUndefined();
});

test('belongs to one owner', async () => {
  const path = await temporaryDir();
  await open(path);
  await expect(openSpill({ path })).rejects.toMatchObject({ code: 'MR_EMBEDDED_IN_USE' });
});

test('says that it is full, and goes on with what it has', async () => {
  const map = (await open(await temporaryDir(), 2 * 1024 * 1024)).map('m');
  map.putMany([['first', bytes('kept')]]);
  const fill = () => {
    for (let n = 0; n < 64; n++) map.putMany([[`k${n}`, Buffer.alloc(256 * 1024)]]);
  };
  expect(fill).toThrow(expect.objectContaining({ code: 'MR_SPILL_FULL' }) as Error);
  expect(map.get('first')?.toString()).toBe('kept');
});

test('without lmdb says what to do', async () => {
  const path = await temporaryDir();
  const loadLmdb = () => Promise.reject(new Error('no such package'));
  await expect(openSpill({ path, loadLmdb })).rejects.toMatchObject({
    code: 'MR_EMBEDDED_UNAVAILABLE',
    message: expect.stringContaining('MR_STATE_MEMORY_MB') as string,
  });
});
