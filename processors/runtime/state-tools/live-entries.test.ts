import { expect, test } from 'vitest';
import { logReader, type LogReader } from '../../../platform/kafka/log-reader.ts';
import { replacingMeta } from '../state/compatibility.ts';
import { Changelog, CHANGELOG } from '../state/state-harness.contract.ts';
import { encodeMeta, NO_META } from '../state/task-meta.ts';
import type { LogRange } from './changelogs.ts';
import { findLive, liveRecords, type LiveState } from './live-entries.ts';

async function written() {
  const changelog = new Changelog();
  const { state, declared: store } = await changelog.start((task) => task.store<number>('counts'));
  for (const key of ['a', 'b/c', 'd']) store.set(key, 1);
  changelog.commit(state);
  store.set('a', 2);
  store.delete('d');
  changelog.commit(state, { watermarkMs: 5 });
  const log = logReader(changelog.kafka);
  const end = changelog.kafka.recordsOf(CHANGELOG.topic).length;
  return { changelog, state, store, log, range: { ...CHANGELOG, start: 0, end } };
}

async function textsOf(log: LogReader, range: LogRange): Promise<readonly string[]> {
  const live = await findLive(log, range);
  return live === undefined ? [] : textsIn(log, live);
}

async function textsIn(log: LogReader, live: LiveState): Promise<readonly string[]> {
  const texts: string[] = [];
  for await (const { key, value } of liveRecords(log, live)) texts.push(`${String(key)}=${String(value)}`);
  return texts;
}

/** A log out of which compaction has taken records. */
function without(log: LogReader, isGone: (offset: number) => boolean): LogReader {
  return {
    ...log,
    async *readToEnd(source) {
      for await (const batch of log.readToEnd(source))
        yield { ...batch, records: batch.records.filter(({ offset }) => !isGone(offset)) };
    },
  };
}

test('gives each entry once, as of the last commit of the range, in the order of the last writes', async () => {
  const { log, range, store, state, changelog } = await written();
  store.set('e', 9);
  changelog.commit(state);
  expect(await textsOf(log, range)).toEqual(['counts/b/c=1', 'counts/a=2']);
  expect((await findLive(log, range))?.meta.watermarkMs).toBe(5);
});

test('a task that has never committed has no state', async () => {
  const { log } = await written();
  expect(await findLive(log, { topic: 'other', partition: 0, start: 0, end: 0 })).toBeUndefined();
});

test('notices what was compacted away because of what was written after the range', async () => {
  const { log, range } = await written();
  const refused = async (reader: LogReader) =>
    expect(textsOf(reader, range)).rejects.toMatchObject({ code: 'MR_STATE_MOVED' });
  // The entry b/c, the meta of the last commit, and an entry between the two passes.
  await refused(without(log, (offset) => offset === 1));
  await refused(without(log, (offset) => offset === range.end - 1));
  const live = await findLive(log, range);
  const late = textsIn(
    without(log, (offset) => offset === 1),
    live!,
  );
  await expect(late).rejects.toMatchObject({ code: 'MR_STATE_MOVED' });
});

test('refuses state that is replaced only in part', async () => {
  const { changelog, log, range } = await written();
  changelog.kafka.append({ ...CHANGELOG, key: 'meta', value: encodeMeta(replacingMeta(NO_META)) });
  const longer = { ...range, end: range.end + 1 };
  await expect(findLive(log, longer)).rejects.toMatchObject({ code: 'MR_STATE_REPLACING' });
});
