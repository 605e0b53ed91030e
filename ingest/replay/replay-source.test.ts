import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MillraceError } from '../../platform/errors.ts';
import type { PublicEvent } from '../public-event.ts';
import { replaySource, type ReplaySourceName } from './replay-source.ts';

const SESSIONS = 'train_sessions.txt';
const PAYMENTS = 'olist_order_payments_dataset.csv';
const HEADER = 'order_id,payment_sequential,payment_type,payment_installments,payment_value';
const ORDER = 'b81ef226f3fe1789b1e8b2acac839d17';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mr-replay-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, content: string | Buffer): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
async function read(name: ReplaySourceName, path: string) {
  const events: PublicEvent[] = [];
  const badRows: MillraceError[] = [];
  for await (const batch of replaySource(name, path).batches((error) => badRows.push(error))) {
    expect(batch.length).toBeGreaterThan(0);
    events.push(...batch);
  }
  return { events, badRows };
}

describe('any source', () => {
  const text = '1 2\n3 4 5\n';

  test.each([
    ['a plain file', (): string => write('mine.txt', text)],
    ['a gzipped file', (): string => write('mine.gz', gzipSync(text))],
    ['a gzipped file with another name', (): string => write('mine.txt', gzipSync(text))],
    ['the folder of a plain file', (): string => (write(SESSIONS, text), folder)],
    ['the folder of a gzipped file', (): string => (write(`${SESSIONS}.gz`, gzipSync(text)), folder)],
    ['a file without an end of line', (): string => write('mine.txt', text.trimEnd())],
    ['a file from Windows', (): string => write('mine.txt', text.replaceAll('\n', '\r\n'))],
  ])('reads %s', async (_, path) => {
    const { events, badRows } = await read('diginetica', path());
    expect(badRows).toEqual([]);
    expect(events).toHaveLength(5);
  });

  test('says so where there is no file', () => {
    mkdirSync(join(folder, 'empty'));
    for (const path of [join(folder, 'nothing'), join(folder, 'empty')]) {
      expect(() => replaySource('olist', path)).toThrow(
        expect.objectContaining({ code: 'MR_REPLAY_NOT_FOUND' }) as Error,
      );
    }
  });

  test('says so where a gzipped file breaks off, or is damaged', async () => {
    const lines = Array.from({ length: 20_000 }, (_, n) => `${n * 7919} ${n}`).join('\n');
    const path = write('mine.gz', gzipSync(lines));
    truncateSync(path, 20_000);
    await expect(read('diginetica', path)).rejects.toMatchObject({ code: 'MR_REPLAY_UNREADABLE' });
    const binary = write('mine.bin', Buffer.from([0x31, 0xff, 0xfe, 0x0a]));
    await expect(read('diginetica', binary)).rejects.toMatchObject({ code: 'MR_REPLAY_UNREADABLE' });
  });
});

describe('diginetica', () => {
  test('gives a click for each item, in the order of time, the same each time', async () => {
    const sessions = Array.from({ length: 300 }, (_, n) =>
      Array.from({ length: 2 + (n % 9) }, (_unused, click) => 10 * n + click).join(' '),
    );
    const path = write(SESSIONS, `${sessions.join('\n')}\n`);
    const { events } = await read('diginetica', path);
    const times = events.map(({ eventTime }) => eventTime);
    expect(events).toHaveLength(sessions.reduce((sum, line) => sum + line.split(' ').length, 0));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(events.length);
    expect(events.every(({ eventId }) => /^[0-9a-f-]{14}7/.test(eventId))).toBe(true);
    expect((await read('diginetica', path)).events).toEqual(events);
    const third = events.filter((event) => event.type === 'ProductViewed' && event.anonymousId === 'dg-3');
    expect(third).toMatchObject(
      [0, 1, 2, 3].map((click) => ({
        itemId: String(20 + click),
        eventTime: Date.UTC(2016, 0, 1) + 3000 + click * 30_000,
        source: 'replay-diginetica',
      })),
    );
  });

  test('names the lines that are no sessions and goes on', async () => {
    const { events, badRows } = await read('diginetica', write(SESSIONS, '1 2\n\n3 $ 4\n5  6\n7 8\n'));
    expect(events).toHaveLength(4);
    expect(badRows.map(({ code, context }) => [code, context['line']])).toEqual(
      [2, 3, 4].map((line) => ['MR_REPLAY_BAD_ROW', line]),
    );
    const ids = events.map((event) => event.type === 'ProductViewed' && event.anonymousId);
    expect(new Set(ids)).toEqual(new Set(['dg-1', 'dg-5']));
  });
});

describe('olist', () => {
  test('gives a captured payment for each row, exact to the cent', async () => {
    const rows = [
      `${ORDER},1,credit_card,8,99.33`,
      `"${ORDER}",2,"boleto",1,"0.1"`,
      `${ORDER},3,voucher,1,0`,
      `${ORDER},4,debit_card,1,13664.08`,
      `${ORDER},5,not_defined,0,1.10`,
    ];
    const { events, badRows } = await read('olist', write(PAYMENTS, [HEADER, ...rows, ''].join('\n')));
    expect(badRows).toEqual([]);
    expect(events).toMatchObject(
      [
        ['card', 9933, 8],
        ['bankTransfer', 10, 1],
        ['voucher', 0, 1],
        ['debitCard', 1_366_408, 1],
        ['other', 110, 0],
      ].map(([method, amountMinor, installments], index) => ({
        type: 'PaymentCaptured',
        orderId: ORDER,
        paymentId: `${ORDER}-${index + 1}`,
        amount: { amountMinor, currency: 'BRL' },
        method,
        installments,
        provider: 'olist',
        source: 'replay-olist',
        eventTime: Date.UTC(2018, 0, 1) + index * 1000,
      })),
    );
  });

  test.each([
    'x,1,credit_card,1,1.00',
    `${ORDER},x,credit_card,1,1.00`,
    `${ORDER},1,cash,1,1.00`,
    `${ORDER},1,credit_card,x,1.00`,
    `${ORDER},1,credit_card,1,1.005`,
    `${ORDER},1,credit_card,1,-1.00`,
    `${ORDER},1,credit_card,1,1e3`,
    `${ORDER},1,credit_card,1`,
    `${ORDER},1,credit_card,1,1.00,x`,
    `"${ORDER},1,credit_card,1,1.00`,
  ])('names the line of the bad row %s', async (row) => {
    const path = write(PAYMENTS, [HEADER, row, `${ORDER},1,credit_card,1,1.00`].join('\n'));
    const { events, badRows } = await read('olist', path);
    expect(badRows).toMatchObject([{ code: 'MR_REPLAY_BAD_ROW', context: { line: 2 } }]);
    expect(badRows[0]?.message).not.toContain(row);
    expect(events).toMatchObject([{ eventTime: Date.UTC(2018, 0, 1) + 1000 }]);
  });

  test('does not read a file with another header', async () => {
    const path = write(PAYMENTS, 'order_id,price\na,1\n');
    await expect(read('olist', path)).rejects.toMatchObject({
      code: 'MR_REPLAY_BAD_ROW',
      context: { line: 1 },
    });
  });
});
