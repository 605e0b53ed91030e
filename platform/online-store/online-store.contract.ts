import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { races, write, type OpenStore, type Use } from './online-store-races.contract.ts';
import { conditions, lookingThrough } from './online-store-proofs.contract.ts';
import { texts } from './online-store-texts.contract.ts';
import type { OnlineStore } from './port.ts';

/** What every engine behind the online store port does. */
export function onlineStoreContract(name: string, open: OpenStore): void {
  describe(`online store port: ${name}`, () => {
    let store: OnlineStore;
    let prefix: string;
    let keys = 0;
    beforeAll(async () => {
      prefix = `test-${randomBytes(6).toString('hex')}:`;
      store = await open(prefix);
    });
    afterAll(() => store.close());
    const use = () => ({ store, prefix, key: `k{${++keys}}` });

    versions(use);
    conditions(use);
    lookingThrough(use, open);
    expiry(use);
    firstWins(use);
    leases(use, open);
    keysAndBounds(use, open);
    texts(use);
    notifications(use, open);
    order(use, open);
    closing(open);
    races(use, open);
    engine(use);
  });
}

function versions(use: Use): void {
  it('applies a higher version only, and says so for each entry', async () => {
    const { store, key } = use();
    expect(await store.setIfNewer([write(key, 'two', 2)])).toEqual([true]);
    expect(
      await store.setIfNewer([write(key, 'one', 1), write(key, 'again', 2), write(key, 'three', 3)]),
    ).toEqual([false, false, true]);
    expect(await store.readMany([key])).toEqual(['three']);
  });

  it('compares versions as numbers up to 2^53', async () => {
    const { store, key } = use();
    const epoch = 2 ** 40;
    await store.setIfNewer([write(key, 'a', 9 * epoch + 9)]);
    expect(await store.setIfNewer([write(key, 'b', 10 * epoch)])).toEqual([true]);
    expect(await store.setIfNewer([write(key, 'c', Number.MAX_SAFE_INTEGER - 1)])).toEqual([true]);
    expect(await store.setIfNewer([write(key, 'd', Number.MAX_SAFE_INTEGER)])).toEqual([true]);
    expect(await store.setIfNewer([write(key, 'e', Number.MAX_SAFE_INTEGER - 1)])).toEqual([false]);
    expect(await store.readMany([key])).toEqual(['d']);
  });

  it('deletes a value and keeps its version, so that an older write cannot bring it back', async () => {
    const { store, key } = use();
    await store.setIfNewer([write(key, 'old', 5)]);
    expect(await store.setIfNewer([write(key, null, 7)])).toEqual([true]);
    expect(await store.readMany([key])).toEqual([null]);
    expect(await store.setIfNewer([write(key, 'stale', 6)])).toEqual([false]);
    expect(await store.readMany([key])).toEqual([null]);
    expect(await store.setIfNewer([write(key, 'new', 8)])).toEqual([true]);
    expect(await store.readMany([key])).toEqual(['new']);
  });

  it('lets the highest version win among 100 writes at once', async () => {
    const { store, key } = use();
    const order = Array.from({ length: 100 }, (_, i) => ((i * 37) % 100) + 1);
    const applied = await Promise.all(
      order.map((version) => store.setIfNewer([write(key, `v${version}`, version)])),
    );
    expect(await store.readMany([key])).toEqual(['v100']);
    expect(applied[order.indexOf(100)]).toEqual([true]);
    expect(await store.setIfNewer([write(key, 'late', 100)])).toEqual([false]);
  });

  it('gives back any text, in the order of the keys', async () => {
    const { store, key } = use();
    const texts = ['', '!', ':', '5:x', '7!', '{"a":"naïve 用户 \u0000 \\n"}', 'x'.repeat(100_000)];
    await store.setIfNewer(texts.map((text, i) => write(`${key}${i}`, text, i + 1)));
    const read = [...texts.map((_, i) => `${key}${i}`), `${key}absent`].toReversed();
    expect(await store.readMany(read)).toEqual([...texts, null].toReversed());
  });

  it('takes 10,000 keys in one call', async () => {
    const { store, key } = use();
    const all = Array.from({ length: 10_000 }, (_, i) => write(`${key}:${i}`, `${i}`, 1));
    const keys = all.map((entry) => entry.key);
    expect(new Set(await store.setIfNewer(all))).toEqual(new Set([true]));
    expect(await store.readMany(keys)).toEqual(all.map((entry) => entry.value));
    expect((await store.setManyIfAbsent(keys, 60_000)).filter(Boolean)).toHaveLength(10_000);
    await store.delete(keys);
    expect(new Set(await store.readMany(keys))).toEqual(new Set([null]));
    expect([await store.setIfNewer([]), await store.readMany([])]).toEqual([[], []]);
  });
}

function expiry(use: Use): void {
  it('forgets value and version after the time to live, which a refused write does not prolong', async () => {
    const { store, key } = use();
    await store.setIfNewer([
      write(key, 'short', 9, 80),
      write(`${key}gone`, null, 9, 80),
      write(`${key}long`, 'x', 1),
    ]);
    await store.setIfNewer([write(key, 'refused', 8, 60_000)]);
    await vi.waitFor(async () => expect(await store.readMany([key])).toEqual([null]), { interval: 10 });
    await vi.waitFor(
      async () => expect(await store.setIfNewer([write(`${key}gone`, 'back', 1)])).toEqual([true]),
      { interval: 10 },
    );
    expect(await store.setIfNewer([write(key, 'anew', 1)])).toEqual([true]);
    expect(await store.readMany([key, `${key}gone`, `${key}long`])).toEqual(['anew', 'back', 'x']);
  });

  it('keeps to the time to live: present before, absent after', async () => {
    const { store, key } = use();
    const beforeMs = performance.now();
    await store.setIfNewer([write(key, 'v', 1, 400)]);
    const afterMs = performance.now();
    // Read until it is gone: it was there until 400 ms after it was sent at least, and no longer than 400 ms after the
    // answer, with a little for the clock's grain and the read.
    for (;;) {
      const askedMs = performance.now();
      const [value] = await store.readMany([key]);
      const answeredMs = performance.now();
      if (value === 'v') expect(askedMs - afterMs).toBeLessThan(405);
      else expect(answeredMs - beforeMs).toBeGreaterThan(395);
      if (value !== 'v') break;
      await sleep(5);
    }
  });

  it('gives an absent key free after its time', async () => {
    const { store, key } = use();
    expect(await store.setIfAbsent(key, 'me', 60)).toBe(true);
    expect(await store.setIfAbsent(key, 'you', 60)).toBe(false);
    await vi.waitFor(async () => expect(await store.setIfAbsent(key, 'you', 60_000)).toBe(true), {
      interval: 10,
    });
  });
}

function leases(use: Use, open: OpenStore): void {
  it('lets only the holder of a lease renew and release it', async () => {
    const { store, prefix, key } = use();
    const other = await open(prefix);
    expect(await store.setIfAbsent(key, 'me', 60_000)).toBe(true);
    expect([await other.renewLease(key, 'you', 1), await other.releaseLease(key, 'you')]).toEqual([
      false,
      false,
    ]);
    expect(await other.setIfAbsent(key, 'you', 60_000)).toBe(false);
    expect(await store.renewLease(key, 'me', 60_000)).toBe(true);
    expect([await store.releaseLease(key, 'me'), await store.releaseLease(key, 'me')]).toEqual([true, false]);
    expect(await store.renewLease(key, 'me', 60_000)).toBe(false);
    expect(await other.setIfAbsent(key, 'you', 60_000)).toBe(true);
    await other.close();
  });

  it('counts the time of a renewed lease from its renewal, up or down', async () => {
    const { store, key } = use();
    await store.setIfAbsent(key, 'me', 100);
    expect(await store.renewLease(key, 'me', 60_000)).toBe(true);
    await sleep(200);
    expect(await store.setIfAbsent(key, 'you', 60_000)).toBe(false);
    expect(await store.renewLease(key, 'me', 50)).toBe(true);
    await vi.waitFor(async () => expect(await store.renewLease(key, 'me', 50)).toBe(false), { interval: 80 });
    expect(await store.setIfAbsent(key, 'you', 60_000)).toBe(true);
  });
}

function firstWins(use: Use): void {
  it('gives an absent key to exactly one of many', async () => {
    const { store, key } = use();
    const won = await Promise.all(
      Array.from({ length: 50 }, (_, i) => store.setIfAbsent(key, `${i}`, 60_000)),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
  });

  it('says for many keys which were absent, also for a key that stands twice', async () => {
    const { store, key } = use();
    await store.setIfAbsent(`${key}b`, '', 60_000);
    expect(await store.setManyIfAbsent([`${key}a`, `${key}b`, `${key}c`, `${key}a`], 60_000)).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(await store.setManyIfAbsent([], 60_000)).toEqual([]);
  });

  it('keeps versioned keys and absent keys apart', async () => {
    const { store, key } = use();
    await store.setIfNewer([write(key, 'value', 1)]);
    expect(await store.setIfAbsent(key, 'lease', 60_000)).toBe(true);
    expect(await store.readMany([key])).toEqual(['value']);
  });

  it('deletes both, version included', async () => {
    const { store, key } = use();
    await store.setIfNewer([write(key, 'value', 9)]);
    await store.setIfAbsent(key, 'lease', 60_000);
    await store.delete([key, `${key}unknown`]);
    expect(await store.readMany([key])).toEqual([null]);
    expect(await store.setIfAbsent(key, 'lease', 60_000)).toBe(true);
    expect(await store.setIfNewer([write(key, 'again', 1)])).toEqual([true]);
  });
}

function keysAndBounds(use: Use, open: OpenStore): void {
  it('shares keys between stores with the same prefix, and with no other', async () => {
    const { store, prefix, key } = use();
    await store.setIfNewer([write(key, 'mine', 1)]);
    const same = await open(prefix);
    const other = await open(`${prefix}x:`);
    expect(await same.readMany([key])).toEqual(['mine']);
    expect(await other.readMany([key])).toEqual([null]);
    expect(await other.setIfAbsent(key, '', 1000)).toBe(true);
    expect(await same.setIfAbsent(key, '', 1000)).toBe(true);
    await same.close();
    await other.close();
  });

  it.each([
    ['a broken version', write('k', 'v', 1.5)],
    ['a version above 2^53', write('k', 'v', 2 ** 53)],
    ['a negative version', write('k', 'v', -1)],
    ['no time to live', write('k', 'v', 1, 0)],
    ['a broken time to live', write('k', 'v', 1, 0.5)],
    ['no key', write('', 'v', 1)],
    ['a key above 1,900 bytes', write('é'.repeat(951), 'v', 1)],
  ])('refuses %s and applies nothing of the call', async (_what, bad) => {
    const { store, key } = use();
    await expect(store.setIfNewer([write(key, 'v', 1), bad])).rejects.toMatchObject({
      code: 'MR_ONLINE_STORE_FAILED',
      retryable: false,
    });
    expect(await store.readMany([key])).toEqual([null]);
  });

  it('takes a key of 1,900 bytes', async () => {
    const { store, key } = use();
    const long = key.padEnd(1900, 'x');
    await store.setIfNewer([write(long, 'v', 1)]);
    expect(await store.readMany([long])).toEqual(['v']);
  });

  it('answers a ping', async () => {
    await expect(use().store.ping(1000)).resolves.toBeUndefined();
  });
}

function notifications(use: Use, open: OpenStore): void {
  it('carries messages in order to every subscriber of the channel, until it ends its subscription', async () => {
    const { store, prefix, key: channel } = use();
    const other = await open(prefix);
    const [first, second, elsewhere]: [string[], string[], string[]] = [[], [], []];
    const endFirst = await store.subscribe(channel, (message) => first.push(message));
    const endSecond = await store.subscribe(channel, (message) => second.push(message));
    const endElsewhere = await store.subscribe(`${channel}2`, (message) => elsewhere.push(message));
    for (const message of ['a', 'b', 'ü']) await other.publish(channel, message);
    await vi.waitFor(() =>
      expect([first, second]).toEqual([
        ['a', 'b', 'ü'],
        ['a', 'b', 'ü'],
      ]),
    );

    await endFirst();
    await other.publish(channel, 'c');
    await vi.waitFor(() => expect(second).toEqual(['a', 'b', 'ü', 'c']));
    await endSecond();
    await endSecond();
    await other.publish(channel, 'd');
    await other.publish(`${channel}2`, 'end');
    await vi.waitFor(() => expect(elsewhere).toEqual(['end']));
    expect([first.length, second.length]).toEqual([3, 4]);
    await endElsewhere();
    await other.close();
  });
}

function order(use: Use, open: OpenStore): void {
  it('keeps the order of each publisher among thousands of messages', async () => {
    const { store, prefix, key: channel } = use();
    const other = await open(prefix);
    const received: string[] = [];
    const end = await store.subscribe(channel, (message) => received.push(message));
    const numbers = Array.from({ length: 1000 }, (_, i) => i);
    await Promise.all(
      [store, other].flatMap((from, name) =>
        numbers.map((number) => from.publish(channel, `${name} ${number}`)),
      ),
    );
    await vi.waitFor(() => expect(received).toHaveLength(2000), { timeout: 5000 });
    for (const name of [0, 1])
      expect(received.filter((message) => message.startsWith(`${name} `))).toEqual(
        numbers.map((number) => `${name} ${number}`),
      );
    await end();
    await other.close();
  });
}

function engine(use: Use): void {
  it('says what it is', async () => {
    const { store } = use();
    const { engine: name, version, where } = await store.info(1000);
    expect(name).toMatch(store.kind === 'lmdb' ? /^LMDB$/ : /^(Redis|Valkey)( Cluster)?$/);
    expect(version).toMatch(/^\d+\.\d+\.\d+/);
    expect(where).toMatch(store.kind === 'lmdb' ? /online-store$/ : /^[^@]+:\d+$/);
  });
}

function closing(open: OpenStore): void {
  it('refuses every call after it was closed, once and for all', async () => {
    const store = await open('closed:');
    await store.close();
    await store.close();
    const calls = [
      () => store.setIfNewer([write('k', 'v', 1)]),
      () => store.setIfVersion([{ ...write('k', 'v', 1), expected: null }]),
      () => store.readMany(['k']),
      () => store.readRecords(['k']),
      async () => store.scan()[Symbol.asyncIterator]().next(),
      () => store.setIfAbsent('k', 'v', 1000),
      () => store.setManyIfAbsent(['k'], 1000),
      () => store.renewLease('k', 'v', 1000),
      () => store.releaseLease('k', 'v'),
      () => store.delete(['k']),
      () => store.publish('c', 'm'),
      () => store.subscribe('c', () => undefined),
      () => store.ping(100),
      () => store.info(100),
    ];
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({ code: 'MR_ONLINE_STORE_UNAVAILABLE', retryable: false });
  });

  it('ends what is under way when it is closed: each call is done or refused, none hangs', async () => {
    const prefix = `closing-${randomBytes(6).toString('hex')}:`;
    const store = await open(prefix);
    const names = Array.from({ length: 200 }, (_, i) => `k${i}`);
    const calls = names.map((name) => store.setIfNewer([write(name, 'v', 1)]));
    const closed = store.close();
    const answers = await Promise.allSettled(calls);
    await closed;
    const again = await open(prefix);
    const values = await again.readMany(names);
    answers.forEach((answer, i) => {
      if (answer.status === 'fulfilled') expect([answer.value, values[i]]).toEqual([[true], 'v']);
      else expect(answer.reason).toMatchObject({ code: 'MR_ONLINE_STORE_UNAVAILABLE' });
    });
    await again.delete(names);
    await again.close();
  });
}
