import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkpointKey } from '../../../schemas/keys.ts';
import { decodeCheckpoint } from './checkpoint.ts';
import { TTL_MS, WordTask } from './repair-harness.contract.ts';

async function started(words: readonly (readonly [string, string])[] = []): Promise<WordTask> {
  const on = new WordTask();
  await on.start();
  for (const [word, text] of words) on.set(word, text);
  await on.commit();
  return on;
}

async function checkpointOf(on: WordTask) {
  const [record] = await on.store.readRecords([checkpointKey('words-0')]);
  return decodeCheckpoint(record?.value ?? null);
}

test('a store that is flushed under a running task has everything again within seconds', async () => {
  const on = await started([
    ['a', 'one'],
    ['b', 'three'],
  ]);
  on.store.putBack();
  await on.idle();
  expect(on.store.values()).toEqual({ 'word:a': 'one', 'word:b': 'three', longest: '5' });
  expect(on.sink.stats.behind).toBe(1);
  expect(await checkpointOf(on)).toEqual({
    ...{ done: on.task.committedOnlineVersion, isOpen: false, sweepFrom: null },
  });
});

test('a loss between two flushes is noticed by the next commit, whatever it writes', async () => {
  const on = await started([['a', 'one']]);
  on.set('b', 'two');
  await on.flush();
  on.store.putBack();
  on.set('c', 'four');
  await on.commit();
  expect(on.sink.stats.behind).toBe(1);
  await on.idle();
  expect(on.store.values()).toEqual(on.expected());
  expect(Object.keys(on.store.values())).toHaveLength(4);
});

test('a key that is written again keeps the end of its time to live; one that had expired stays away', async () => {
  const on = await started([['old', 'x']]);
  on.pass(60_000);
  on.set('young', 'y');
  await on.commit();
  on.pass(30_000);
  on.store.putBack();
  on.store.writes.length = 0;
  await on.idle();
  const ttlOf = (key: string) => on.store.writes.find((write) => write.key === key)?.ttlMs ?? 0;
  // Written 60 s apart, and some seconds of looking later.
  expect(ttlOf('word:young') - ttlOf('word:old')).toBe(60_000);
  expect(ttlOf('word:old')).toBeGreaterThan(0);
  expect(ttlOf('word:old')).toBeLessThanOrEqual(5000);

  on.pass(TTL_MS);
  on.set('new', 'z');
  await on.commit();
  on.store.putBack();
  await on.idle();
  expect(on.store.values()).toEqual({ 'word:new': 'z', longest: '1' });
});

test('a start finds a store that was put back to an old copy', async () => {
  const on = await started([['a', 'one']]);
  const old = on.store.copy();
  on.set('a', 'two');
  on.set('b', 'three');
  on.delete('a');
  await on.commit();
  on.store.putBack(old);
  await on.start();
  await on.idle();
  expect(on.store.values()).toEqual({ 'word:b': 'three', longest: '5' });
});

test('what was written ahead of a commit that never came is put right, though the redo writes other keys', async () => {
  const on = await started([
    ['a', 'one'],
    ['b', 'two'],
  ]);
  for (const ahead of [() => on.flush(), () => on.losesCommit()]) {
    on.set('first-try', 'never');
    on.set('a', 'never');
    on.delete('b');
    await ahead();
    expect(on.store.values()).toMatchObject({ 'word:first-try': 'never', 'word:a': 'never' });
    await on.start();
    on.set('second-try', 'redone');
    await on.commit();
    await on.idle();
    expect(on.store.values()).toEqual({
      ...{ 'word:a': 'one', 'word:b': 'two', 'word:second-try': 'redone', longest: '6' },
    });
    expect(await checkpointOf(on)).toMatchObject({ isOpen: false, sweepFrom: null });
  }
  expect(on.sink.stats.behind).toBe(0);
});

test('a start without a loss or a crash writes nothing again', async () => {
  const on = await started([['a', 'one']]);
  await on.start();
  on.store.writes.length = 0;
  await on.idle();
  expect(on.store.writes).toEqual([]);
  expect(on.sink.stats.behind).toBe(0);
});

test('a writer that was fenced neither takes the checkpoint nor thinks that anything was lost', async () => {
  const on = await started([['a', 'one']]);
  const [stale, staleSink] = [on.task, on.sink];
  await on.start();
  on.set('a', 'two');
  await on.commit();
  const checkpoint = await checkpointOf(on);
  stale.online.beginAgain();
  await staleSink.flush([stale]);
  staleSink.maybeVerify([stale]);
  await staleSink.flush([stale]);
  expect(staleSink.stats).toMatchObject({ behind: 0 });
  expect(await checkpointOf(on)).toEqual(checkpoint);
  expect(on.store.values()).toMatchObject({ 'word:a': 'two' });
});

type Act = (on: WordTask) => unknown;

/** Whatever happens, in whatever order: acts on a task, its process and its store. */
const ACTS: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.nat(5), fc.constantFrom('x', 'yy', 'zzz', 'hidden')).map(setWord) },
  {
    weight: 2,
    arbitrary: fc.nat(5).map(
      (word): Act =>
        (on) =>
          on.delete(`w${word}`),
    ),
  },
  { weight: 3, arbitrary: fc.constant<Act>((on) => on.flush()) },
  { weight: 3, arbitrary: fc.constant<Act>((on) => on.commit()) },
  { weight: 1, arbitrary: fc.constant<Act>((on) => on.start()) },
  {
    weight: 1,
    arbitrary: fc.constant<Act>(async (on) => {
      await on.losesCommit();
      await on.start();
    }),
  },
  { weight: 1, arbitrary: fc.constant<Act>((on) => on.store.putBack()) },
  { weight: 1, arbitrary: fc.constant<Act>((on) => (copies.set(on, on.store.copy()), undefined)) },
  { weight: 1, arbitrary: fc.constant<Act>((on) => on.store.putBack(copies.get(on))) },
  { weight: 1, arbitrary: fc.constant<Act>((on) => on.store.delete(['word:w0', 'longest'])) },
);
const copies = new WeakMap<WordTask, ReturnType<WordTask['store']['copy']>>();

function setWord([word, text]: [number, string]): Act {
  return (on) => on.set(`w${word}`, text);
}

test('however stores are lost and processes end, the store comes to hold what the state says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(ACTS, { minLength: 1, maxLength: 30 }), async (acts) => {
      const on = await started();
      for (const act of acts) await act(on);
      // A key that was deleted by hand is what the audit finds; a checkpoint that is gone has all of them written again.
      await on.store.delete([checkpointKey('words-0')]);
      await on.commit();
      await on.idle();
      const expected = on.expected();
      expect(on.store.values()).toEqual(expected);
      expect((await checkpointOf(on))?.sweepFrom ?? null).toBeNull();
    }),
    { numRuns: 150 },
  );
});
