import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../platform/config.ts';
import { silentLogger } from '../../platform/log.ts';
import { shopApplication } from '../../processors/application.ts';
import { StreamRunner } from '../../processors/runtime/run/runner.ts';
import { SHOP_TOPICS } from '../../schemas/topics.ts';
import { MemoryOnlineStore, MemoryRowWriter } from '../../test/harness/memory-sinks.ts';
import { T0, viewOf } from '../../test/harness/shop-events.ts';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { viewRecord } from '../../test/harness/view-job.ts';
import { waitUntil } from '../../test/harness/wait-until.ts';
import { ensureTopics, openLog } from '../backends.ts';
import { COMMANDS } from '../commands.ts';
import { runCommandLine } from '../run.ts';
import { withSession } from '../session.ts';

const DEVICES = 20;

/** `millrace state` on a data folder. */
function stateOn(dataDir: string) {
  return async (...args: string[]) => {
    const printed: string[] = [];
    const noted: string[] = [];
    const output = { print: (line: string) => printed.push(line), note: (line: string) => noted.push(line) };
    const code = await runCommandLine(COMMANDS, ['state', ...args, '--data-dir', dataDir], output);
    const last = printed.at(-1);
    return { code, printed, noted: noted.join('\n'), result: JSON.parse(last ?? 'null') as unknown };
  };
}

/** Runs the shop's processors on a data folder until each device has viewed something, and then the work. */
async function withProcessors(dataDir: string, work: () => Promise<void>): Promise<void> {
  const config = loadConfig({ MR_DATA_DIR: dataDir, MR_LOG_LEVEL: 'warn' });
  await withSession(config, 'demo', async (session) => {
    const kafka = await openLog(session);
    await ensureTopics(config, kafka);
    const { groupId, namespace, subtopologies } = shopApplication(config);
    const rows = new MemoryRowWriter();
    const runner = new StreamRunner({
      ...{ subtopologies, groupId, namespace, kafka, rows, store: new MemoryOnlineStore() },
      watermark: { outOfOrderMs: 3_600_000, idleTimeoutMs: 60_000 },
      ...{ commitIntervalMs: 20, onlineFlushIntervalMs: 5, now: Date.now, newId: randomUUID },
      log: silentLogger(),
    });
    await runner.start();
    const views = Array.from({ length: DEVICES }, (_, n) =>
      viewOf('item-1', T0, { anonymousId: `device-${n}` }),
    );
    await kafka.producer().send(views.map(viewRecord));
    const isDone = async () => {
      const offsets = await kafka.admin.committed(groupId, SHOP_TOPICS.clickstream.name);
      return offsets.reduce((sum, { offset }) => sum + offset, 0) >= DEVICES;
    };
    await waitUntil(isDone, { what: 'everything committed' });
    await work();
    await runner.stop();
  });
}

interface Listed {
  readonly tasks: readonly {
    readonly subtopology: string;
    readonly taskEpoch: number;
    readonly stores: readonly { readonly store: string; readonly entries: number }[];
  }[];
}

function entriesIn({ tasks }: Listed, store: string): number {
  return tasks
    .flatMap(({ stores }) => stores.filter((one) => one.store === store))
    .reduce((sum, { entries }) => sum + entries, 0);
}

describe('millrace state', () => {
  it('looks beside the owner of the data folder and without one; replaces only without', async () => {
    const dataDir = await temporaryDir();
    const state = stateOn(dataDir);
    const [savepoint, file] = [join(dataDir, 'savepoint'), join(dataDir, 'out.jsonl')];
    await withProcessors(dataDir, async () => {
      const listed = await state('list', '--subtopology', 'visitor');
      expect(listed.printed[0]).toMatch(/^sub-topology +part +store/);
      expect(entriesIn(listed.result as Listed, 'visitors')).toBe(DEVICES);
      const got = await state('get', 'visitor', 'visitors', 'device-3', '--json');
      expect(got.printed).toHaveLength(1);
      expect(got).toMatchObject({
        code: 0,
        result: { found: [{ value: { viewed: [{ itemId: 'item-1' }] } }] },
      });
      expect(await state('export', 'visitor', '--store', 'visitors', '--out', file)).toMatchObject({
        ...{ code: 0, result: { entries: DEVICES } },
      });
      expect((await readFile(file, 'utf8')).trim().split('\n')).toHaveLength(DEVICES);
      expect(await state('savepoint', savepoint)).toMatchObject({ code: 0, result: { leftOut: [] } });
      for (const args of [
        ['restore', savepoint],
        ['reset', '--yes'],
      ])
        expect(await state(...args)).toMatchObject({
          code: 1,
          noted: expect.stringContaining('MR_EMBEDDED_IN_USE: `millrace demo`') as string,
        });
    });
    const before = (await state('list', '--json')).result as Listed;
    expect(await state('savepoint', savepoint)).toMatchObject({
      ...{ code: 1, noted: expect.stringContaining('MR_SAVEPOINT_EXISTS') as string },
    });
    expect((await state('restore', savepoint)).code).toBe(0);
    const restored = (await state('list', '--json')).result as Listed;
    expect(entriesIn(restored, 'visitors')).toBe(DEVICES);
    expect((await state('reset', '--yes')).code).toBe(0);
    const reset = (await state('list', '--json')).result as Listed;
    expect(entriesIn(reset, 'visitors')).toBe(0);
    const epochs = ({ tasks }: Listed) => tasks.map(({ subtopology, taskEpoch }) => [subtopology, taskEpoch]);
    expect(epochs(reset)).toEqual(epochs(before));
  });

  it('says what is wrong with what was asked', async () => {
    const dataDir = await temporaryDir();
    const state = stateOn(dataDir);
    const says = async (args: readonly string[], code: number, text: string) => {
      const answer = await state(...args);
      expect(answer).toMatchObject({ code, noted: expect.stringContaining(text) as string });
    };
    await says(['list'], 1, 'MR_STATE_NOT_FOUND: there is no embedded log');
    await withProcessors(dataDir, () => Promise.resolve());
    await says(['lst'], 2, 'did you mean "list"?');
    await says(['get', 'visitor'], 2, 'usage: millrace state get <sub-topology> <store> <key>');
    await says(['get', 'visitr', 'visitors', 'x'], 1, 'did you mean "visitor"?');
    await says(['get', 'visitor', 'visitrs', 'x'], 1, 'did you mean "visitors"?');
    await says(['get', 'visitor', 'visitors', 'x'], 1, 'no key "x" in the store visitors of visitor');
    await says(['export', 'visitor', '--store', 'none'], 1, 'no store of visitor "none"');
    await says(['export', 'visitor', '--out', join(dataDir, 'no', 'x')], 1, 'MR_FOLDER_UNUSABLE');
    await says(['list', '--namespace', 'other'], 1, 'no changelogs of the namespace other');
    await says(['restore', join(dataDir, 'none')], 1, 'MR_SAVEPOINT_DAMAGED: there is no savepoint');
    await says(['reset'], 2, 'add --yes');
    await says(['reset', '--subtopology', 'visitor', '--yes'], 1, 'MR_STATE_SHARED');
    await says(['reset', '--subtopology', 'visitr', '--yes'], 1, 'did you mean "visitor"?');
  });
});
