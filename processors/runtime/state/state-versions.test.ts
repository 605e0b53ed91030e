import { expect, test } from 'vitest';
import { Changelog, CHANGELOG, watchedReads } from './state-harness.contract.ts';
import type { StoreOptions } from './store-options.ts';
import type { TaskState } from './task-state.ts';

interface V1 {
  readonly total: number;
}
interface V2 {
  readonly totalMinor: number;
}
interface V3 {
  readonly amounts: readonly number[];
}

const asV1 = (state: TaskState) => state.store<V1>('sums');
const asV2 = (state: TaskState) =>
  state.store<V2>('sums', { version: 2, upgrade: (value) => ({ totalMinor: (value as V1).total * 100 }) });
const asV3 = (state: TaskState) => state.store<V3>('sums', { version: 3, upgrade: toV3 });

function toV3(value: unknown, fromVersion: number): V3 | undefined {
  const totalMinor = fromVersion === 1 ? (value as V1).total * 100 : (value as V2).totalMinor;
  return totalMinor === 0 ? undefined : { amounts: [totalMinor] };
}

/** A changelog with a commit of version 1. */
async function written(options: StoreOptions<V1> = {}): Promise<Changelog> {
  const changelog = new Changelog();
  const { state, declared } = await changelog.start((made) => made.store<V1>('sums', options));
  declared.set('a', { total: 1 });
  declared.set('none', { total: 0 });
  changelog.commit(state);
  return changelog;
}

/** How the start of a program ends: the message of MR_STATE_INCOMPATIBLE. */
async function refusal(changelog: Changelog, declare: (state: TaskState) => unknown, retired: string[] = []) {
  const error: unknown = await changelog.start(declare, { retired }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({
    code: 'MR_STATE_INCOMPATIBLE',
    retryable: false,
    context: { task: 'job-0' },
  });
  return (error as Error).message;
}

test('values of older versions are brought to the declared one, one or several versions at a time', async () => {
  const changelog = await written();
  const second = await changelog.start(asV2);
  expect(new Map(second.declared.entries())).toEqual(
    new Map([
      ['a', { totalMinor: 100 }],
      ['none', { totalMinor: 0 }],
    ]),
  );
  expect(second.state.changes).toBe(2);
  second.declared.set('b', { totalMinor: 250 });
  changelog.commit(second.state);
  const third = await changelog.start(asV3);
  expect(Object.fromEntries(third.declared.entries())).toEqual({
    a: { amounts: [100] },
    b: { amounts: [250] },
  });
  const fromFirst = await (await written()).start(asV3);
  expect(Object.fromEntries(fromFirst.declared.entries())).toEqual({ a: { amounts: [100] } });
});

test('an upgrade is written with the next commit, and not done again', async () => {
  const changelog = await written();
  const { state } = await changelog.start(asV3);
  expect(changelog.commit(state).map(({ key, value }) => [key, value?.toString()])).toEqual([
    ['sums/a', '{"amounts":[100]}'],
    ['sums/none', undefined],
    ['meta', expect.stringContaining('"version":3') as string],
  ]);
  const again = await changelog.start(asV3);
  expect([again.state.changes, Object.fromEntries(again.declared.entries())]).toEqual([
    0,
    { a: { amounts: [100] } },
  ]);
});

test('an upgrade that was not committed is done again', async () => {
  const changelog = await written();
  await changelog.start(asV2);
  const { declared } = await changelog.start(asV2);
  expect(declared.get('a')).toEqual({ totalMinor: 100 });
});

test('an older version without an upgrade is refused', async () => {
  expect(await refusal(await written(), (state) => state.store('sums', { version: 2 }))).toBe(
    'store sums of task job-0: it was written at version 1, and this program has version 2: give it an `upgrade`, or a new name and list the old one in `retired`; or deploy the version that wrote it, restore a savepoint, or reset the state',
  );
});

test('a newer version is refused', async () => {
  expect(await refusal(await written({ version: 4 }), asV3)).toBe(
    'store sums of task job-0: it was written at version 4, and this program has version 3: deploy the version that wrote it, restore a savepoint, or reset the state',
  );
});

test('another layout is refused, whatever the version', async () => {
  const changelog = await written({ layout: 'tumbling(60000)/sum' });
  const other = { layout: 'tumbling(30000)/sum', version: 2, upgrade: (value: unknown) => value };
  expect(await refusal(changelog, (state) => state.store('sums', other))).toBe(
    'store sums of task job-0: it was written as tumbling(60000)/sum, and this program has tumbling(30000)/sum: give it a new name and list the old one in `retired`; or deploy the version that wrote it, restore a savepoint, or reset the state',
  );
});

test('an `upgrade` that throws is told with the version, not with the value', async () => {
  const upgrade = () => {
    throw new Error('cannot');
  };
  const message = await refusal(await written(), (state) => state.store('sums', { version: 2, upgrade }));
  expect(message).toMatch(/^store sums of task job-0: `upgrade` threw on a value of version 1: deploy/);
});

test('values that the codec cannot read are refused, unless the changelog has them anew', async () => {
  const changelog = new Changelog();
  changelog.kafka.append({ ...CHANGELOG, key: 'sums/a', value: Buffer.from('no json') });
  changelog.kafka.append({ ...CHANGELOG, key: 'sums/b', value: Buffer.from('no json') });
  expect(await refusal(changelog, asV1)).toMatch(
    /sums of task job-0: 2 of its values cannot be decoded: deploy/,
  );
  changelog.append({ 'sums/a': { total: 1 }, 'sums/b': null });
  const { declared } = await changelog.start(asV1);
  expect(Object.fromEntries(declared.entries())).toEqual({ a: { total: 1 } });
});

test('a store that nobody declares is refused while it has entries', async () => {
  const changelog = await written();
  expect(await refusal(changelog, () => undefined)).toBe(
    'store sums of task job-0: it has entries, and this program does not declare it: declare it again, or list it in `retired` to delete them; or deploy the version that wrote it, restore a savepoint, or reset the state',
  );
  const { state, declared } = await changelog.start(asV1);
  declared.delete('a');
  declared.delete('none');
  changelog.commit(state);
  await expect(changelog.start(() => undefined)).resolves.toBeDefined();
});

test('a retired store is deleted from the changelog, and then forgotten', async () => {
  const changelog = await written();
  const { state } = await changelog.start(() => undefined, { retired: ['sums'] });
  expect(state.changes).toBe(2);
  expect(changelog.commit(state).map(({ key, value }) => [key, value?.toString()])).toEqual([
    ['sums/a', undefined],
    ['sums/none', undefined],
    [
      'meta',
      expect.stringContaining('"stores":{"outbox":{"version":1,"layout":"outbox","entries":0}}') as string,
    ],
  ]);
  const again = await changelog.start((made) => made.store('sums', { layout: 'another' }));
  expect(again.declared.size).toBe(0);
});

test('state from before versions counts as version 1 of whatever layout', async () => {
  const before = () => {
    const changelog = new Changelog();
    changelog.append({ 'sums/a': { total: 1 }, meta: { taskEpoch: 3, watermarkMs: null } });
    return changelog;
  };
  const first = await before().start((state) => state.store('sums', { layout: 'keyed/sum' }));
  expect([first.state.taskEpoch, first.declared.get('a')]).toEqual([3, { total: 1 }]);
  expect((await before().start(asV2)).declared.get('a')).toEqual({ totalMinor: 100 });
  const fresh = await before().start((state) => [asV1(state), state.store('fresh', { version: 2 })]);
  expect(fresh.state.size).toBe(1);
  expect(await refusal(before(), (state) => state.store('sums', { version: 2 }))).toMatch(/at version 1/);
  expect(await refusal(before(), () => undefined)).toMatch(/does not declare it/);
});

test('refuses before it reads the whole changelog', async () => {
  const changelog = await written();
  for (let index = 0; index < 5_000; index++) changelog.append({ [`sums/${index}`]: { total: index } });
  const { state } = await new Changelog().start(asV1);
  changelog.commit(state);
  const { kafka, reads } = watchedReads(changelog.kafka);
  const { state: newer } = changelog.declare((made) => made.store('sums', { version: 2 }));
  await expect(newer.restore(kafka, CHANGELOG)).rejects.toMatchObject({ code: 'MR_STATE_INCOMPATIBLE' });
  expect(reads).toEqual([{ from: 5_003 + 1 - 64, records: 64 }]);
});

test('a standby of another version refuses what its owner has upgraded', async () => {
  const changelog = await written();
  const standby = changelog.declare(asV1);
  await standby.state.restore(changelog.kafka, CHANGELOG);
  const { state } = await changelog.start(asV2);
  changelog.commit(state);
  const follow = standby.state.restore(changelog.kafka, CHANGELOG);
  await expect(follow).rejects.toMatchObject({ code: 'MR_STATE_INCOMPATIBLE' });
});

test('a standby that is newer than the owner upgrades when it takes over', async () => {
  const changelog = await written();
  const standby = changelog.declare(asV2);
  await standby.state.restore(changelog.kafka, CHANGELOG);
  const owner = await changelog.start(asV1);
  owner.declared.set('a', { total: 5 });
  changelog.commit(owner.state);
  await standby.state.restore(changelog.kafka, CHANGELOG);
  standby.state.ready();
  expect(standby.declared.get('a')).toEqual({ totalMinor: 500 });
});
