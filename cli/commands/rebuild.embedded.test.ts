import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../platform/config.ts';
import { logReader } from '../../platform/kafka/log-reader.ts';
import { silentLogger } from '../../platform/log.ts';
import { shopApplication } from '../../processors/application.ts';
import { expectedOnline } from '../../processors/runtime/audit/expected-online.ts';
import { auditOnline } from '../../processors/runtime/audit/online.ts';
import { StreamRunner } from '../../processors/runtime/run/runner.ts';
import { historyKey } from '../../schemas/keys.ts';
import { MemoryRowWriter } from '../../test/harness/memory-sinks.ts';
import { T0, viewOf } from '../../test/harness/shop-events.ts';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { viewRecord } from '../../test/harness/view-job.ts';
import { waitUntil } from '../../test/harness/wait-until.ts';
import { ensureTopics, openLog, openStore } from '../backends.ts';
import { COMMANDS } from '../commands.ts';
import { runCommandLine } from '../run.ts';
import { withSession, type Session } from '../session.ts';

const DEVICES = 20;
const keyOf = (n: number) => historyKey({ kind: 'a', id: `device-${n}` });
const DAY_MS = 86_400_000;

async function rebuild(dataDir: string, ...args: string[]) {
  const printed: string[] = [];
  const noted: string[] = [];
  const output = { print: (line: string) => printed.push(line), note: (line: string) => noted.push(line) };
  const code = await runCommandLine(COMMANDS, ['rebuild', ...args, '--data-dir', dataDir], output);
  return { code, noted: noted.join('\n'), result: JSON.parse(printed.at(-1) ?? 'null') as unknown };
}

function inSession<T>(dataDir: string, work: (session: Session) => Promise<T>): Promise<T> {
  return withSession(loadConfig({ MR_DATA_DIR: dataDir, MR_LOG_LEVEL: 'warn' }), 'test', work);
}

/** Runs the shop's processors on the embedded log and store until each device has viewed something, and then the work. */
async function withProcessors(dataDir: string, work: () => Promise<void>): Promise<void> {
  await inSession(dataDir, async (session) => {
    const kafka = await openLog(session);
    const store = await openStore(session);
    await ensureTopics(session.config, kafka);
    const { groupId, namespace, subtopologies } = shopApplication(session.config);
    const runner = new StreamRunner({
      ...{ subtopologies, groupId, namespace, kafka, rows: new MemoryRowWriter(), store },
      watermark: { outOfOrderMs: 3_600_000, idleTimeoutMs: 60_000 },
      ...{ commitIntervalMs: 20, onlineFlushIntervalMs: 5, now: Date.now, newId: randomUUID },
      log: silentLogger(),
    });
    await runner.start();
    const views = Array.from({ length: DEVICES }, (_, n) =>
      viewOf(`item-${n % 3}`, T0, { anonymousId: `device-${n}`, userId: `user-${n % 5}` }),
    );
    await kafka.producer().send(views.map(viewRecord));
    const isThere = async () =>
      (await store.readMany(Array.from({ length: DEVICES }, (_, n) => keyOf(n)))).every((v) => v !== null);
    await waitUntil(isThere, { what: 'every history in the store' });
    await work();
    await runner.stop();
  });
}

/** What an audit says is wrong, over all tasks. */
function audit(dataDir: string) {
  return inSession(dataDir, async (session) => {
    const expected = expectedOnline(logReader(await openLog(session)), shopApplication(session.config));
    const found = await auditOnline(await openStore(session), expected, { now: Date.now });
    const sum = (of: 'keys' | 'missing' | 'added' | 'altered') =>
      found.reduce((all, task) => all + task[of], 0);
    return { found, faults: [sum('missing'), sum('added'), sum('altered')], keys: sum('keys') };
  });
}

describe('millrace rebuild online', () => {
  it('makes the store what the state says, whatever was done to it by hand, and not beside a running owner', async () => {
    const dataDir = await temporaryDir();
    await withProcessors(dataDir, async () => {
      expect(await rebuild(dataDir, 'online')).toMatchObject({ code: 1 });
    });
    const before = await audit(dataDir);
    expect(before.faults).toEqual([0, 0, 0]);
    expect(before.keys).toBeGreaterThan(DEVICES);

    await inSession(dataDir, async (session) => {
      const store = await openStore(session);
      const [altered] = await store.readRecords([keyOf(1)]);
      await store.delete([keyOf(0), keyOf(1)]);
      await store.setIfNewer([
        // A version that the task would reach in years only.
        { key: keyOf(1), value: '{}', version: 2 ** 52, owner: altered?.owner ?? '', ttlMs: DAY_MS },
        { key: keyOf(99), value: '{}', version: 1, owner: 'visitor-0', ttlMs: DAY_MS },
        { key: 'alien', value: 'x', version: 1, ttlMs: DAY_MS },
      ]);
    });
    const after = await audit(dataDir);
    expect(after.faults).toEqual([1, 2, 1]);
    const named = after.found.flatMap(({ examples }) => Object.values(examples).flat());
    expect(named.sort()).toEqual([keyOf(0), keyOf(1), keyOf(99), 'alien'].sort());

    const one = await rebuild(dataDir, 'online', '--task', 'visitor-0');
    expect(one).toMatchObject({ code: 0, result: { tasks: 1, deleted: 1 } });
    expect(await rebuild(dataDir, 'online')).toMatchObject({ code: 0, result: { deleted: 1 } });
    expect((await audit(dataDir)).faults).toEqual([0, 0, 0]);
    expect(await rebuild(dataDir, 'online')).toMatchObject({
      ...{ code: 0, result: { keys: before.keys, written: 0, deleted: 0 } },
    });
    // Whoever goes on from there finds everything in order.
    await withProcessors(dataDir, () => Promise.resolve());
    expect((await audit(dataDir)).faults).toEqual([0, 0, 0]);
  });

  it('says what it does not know', async () => {
    const dataDir = await temporaryDir();
    expect(await rebuild(dataDir, 'online')).toMatchObject({ code: 1 });
    for (const wrong of [
      ['table'],
      ['tables', '--table', 'click'],
      ['tables', '--task', 'visitor-0'],
      ['online', '--check'],
    ])
      expect(await rebuild(dataDir, ...wrong)).toMatchObject({ code: 2 });
    expect(await rebuild(dataDir, 'tables')).toMatchObject({ code: 1, result: null });
    await withProcessors(dataDir, () => Promise.resolve());
    const unknown = await rebuild(dataDir, 'online', '--task', 'visitor-99');
    expect([unknown.code, unknown.noted]).toEqual([1, expect.stringContaining('MR_STATE_NOT_FOUND')]);
  });
});
