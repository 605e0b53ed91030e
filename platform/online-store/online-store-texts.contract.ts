import { expect, it, vi } from 'vitest';
import { write, type Use } from './online-store-races.contract.ts';

/** What holds for texts of all kinds and sizes. */
export function texts(use: Use): void {
  it.each([
    ['control characters', 'a\u0000b\u0001\n\r\t\u007f'],
    ['many scripts', 'größe 用户 пользователь مستخدم 🛒👩‍👩‍👧'],
    ['the syntax of the engines', '{}[]*?:!$ "\\" \'; DROP'],
    ['nothing but a blank', ' '],
  ])('takes %s in keys, values, leases and messages', async (_what, text) => {
    const { store, key } = use();
    const name = `${key}${text}`;
    await store.setIfNewer([write(name, text, 1), write(`${name}.`, `${text}.`, 1)]);
    expect(await store.readMany([name, `${name}.`])).toEqual([text, `${text}.`]);
    expect(await store.setIfAbsent(name, text, 60_000)).toBe(true);
    expect([await store.releaseLease(name, `${text}.`), await store.releaseLease(name, text)]).toEqual([
      false,
      true,
    ]);
    const received: string[] = [];
    const end = await store.subscribe(name, (message) => received.push(message));
    await store.publish(name, text);
    await vi.waitFor(() => expect(received).toEqual([text]));
    await end();
  });

  it('gives U+FFFD back for half a surrogate pair, in keys too', async () => {
    const { store, key } = use();
    await store.setIfNewer([write(`${key}\ud800`, 'a\udfffb', 1)]);
    expect(await store.readMany([`${key}\ufffd`, `${key}\ud800`])).toEqual(['a\ufffdb', 'a\ufffdb']);
    expect(await store.setIfAbsent(key, '\ud800', 60_000)).toBe(true);
    expect(await store.releaseLease(key, '\ud800')).toBe(true);
  });

  it('takes values of a megabyte and more, and refuses those above 8 MiB', async () => {
    const { store, key } = use();
    const [large, largest] = ['é'.repeat(2 ** 19), 'x'.repeat(8 * 2 ** 20)];
    expect(await store.setIfNewer([write(key, large, 1), write(`${key}b`, largest, 1)])).toEqual([
      true,
      true,
    ]);
    expect((await store.readMany([key, `${key}b`])).map((value) => value?.length)).toEqual([
      2 ** 19,
      2 ** 23,
    ]);
    const failed = { code: 'MR_ONLINE_STORE_FAILED', retryable: false };
    await expect(store.setIfNewer([write(key, `${largest}x`, 2)])).rejects.toMatchObject(failed);
    await expect(store.setIfAbsent(`${key}c`, `${largest}x`, 1000)).rejects.toMatchObject(failed);
    expect((await store.readMany([key]))[0]).toHaveLength(2 ** 19);
    await store.delete([key, `${key}b`]);
  });
}
