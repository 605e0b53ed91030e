import { describe, expect, onTestFinished, test } from 'vitest';
import { logEndpoints, remoteLog } from '../../../platform/control/remote-log.ts';
import { ownDataDir } from '../../../platform/control/data-dir.ts';
import { logReader, type LogReader } from '../../../platform/kafka/log-reader.ts';
import { silentLogger } from '../../../platform/log.ts';
import { temporaryDir } from '../../../test/harness/temporary-dir.ts';
import { viewStream } from '../../../test/harness/view-job.ts';
import { findChangelogs } from './changelogs.ts';
import { exportState, type ExportedEntry } from './export-state.ts';
import { findEntry } from './find-entry.ts';
import { surveyTasks } from './survey.ts';
import { embeddedViews, PARTITIONS, type Views } from './views.contract.ts';

const events = viewStream(1500, { stepMs: 100, disorderMs: 5000 });
const views = [...new Map(events.map((view) => [view.eventId, view])).values()];

/** The log of the process itself, and the same one through the control socket of a data folder. */
const ways: readonly (readonly [string, (views: Views) => Promise<LogReader>])[] = [
  ['here', async ({ kafka }) => logReader(kafka)],
  [
    'beside its owner',
    async ({ kafka }) => {
      const dataDir = await temporaryDir();
      const owner = await ownDataDir({ dataDir, command: 'demo', now: Date.now, log: silentLogger() });
      onTestFinished(() => owner.close());
      for (const endpoint of logEndpoints(logReader(kafka))) owner.serve(endpoint);
      return remoteLog(dataDir);
    },
  ],
];

async function working(): Promise<Views> {
  const on = await embeddedViews();
  await on.publish(events);
  await on.run();
  await on.allCommitted();
  return on;
}

async function entriesOf(log: LogReader, name: string, store?: string): Promise<readonly ExportedEntry[]> {
  const entries: ExportedEntry[] = [];
  for (const changelog of await findChangelogs(log, '')) {
    if (changelog.subtopology !== name) continue;
    const options = store === undefined ? {} : { store };
    for await (const entry of exportState(log, changelog, options)) entries.push(entry);
  }
  return entries;
}

describe.each(ways)('the state of tasks that run, read %s', (_way, readerOf) => {
  test('is listed by task and store', async () => {
    const log = await readerOf(await working());
    const changelogs = await findChangelogs(log, '');
    expect(changelogs.map(({ subtopology }) => subtopology)).toEqual(['actions', 'views']);
    const tasks = await surveyTasks(log, changelogs[1]!);
    expect(tasks.map(({ partition }) => partition)).toEqual([...Array(PARTITIONS).keys()]);
    for (const { taskEpoch, watermarkMs, isReplacing, stores } of tasks) {
      expect([taskEpoch, isReplacing]).toEqual([1, false]);
      expect(watermarkMs).not.toBeNull();
      expect(stores.map(({ store }) => store)).toEqual(
        expect.arrayContaining(['duplicates', 'item-minute', 'totals']),
      );
    }
    const ids = tasks.flatMap(({ stores }) => stores.filter(({ store }) => store === 'duplicates'));
    expect(ids.reduce((sum, { entries }) => sum + (entries ?? 0), 0)).toBe(views.length);
    const totals = tasks.flatMap(({ stores }) => stores.filter(({ store }) => store === 'totals'));
    for (const { layout, version, entries, bytes, records } of totals) {
      expect([layout, version]).toEqual(['keyed(json)', 1]);
      expect(records).toBeGreaterThanOrEqual(entries ?? 0);
      expect(bytes).toBeGreaterThan(0);
    }
  });

  test('is found by its key, in whichever task has it', async () => {
    const log = await readerOf(await working());
    const [, changelog] = await findChangelogs(log, '');
    const { found, stores } = await findEntry(log, changelog!, { store: 'totals', key: 'item-3' });
    const values = found.map(({ value }) => (value.kind === 'json' ? Number(value.value) : 0));
    const expected = views.filter(({ itemId }) => itemId === 'item-3').length;
    expect(values.reduce((sum, value) => sum + value, 0)).toBe(expected);
    expect(stores).toContain('totals');
    const none = await findEntry(log, changelog!, { store: 'totals', key: 'none' });
    expect(none.found).toEqual([]);
    expect(none.stores).toContain('totals');
  });

  test('is exported, each entry once', async () => {
    const log = await readerOf(await working());
    const totals = await entriesOf(log, 'views', 'totals');
    expect(totals.reduce((sum, { value }) => sum + Number(value), 0)).toBe(views.length);
    const keys = totals.map(({ partition, key }) => `${partition}/${key}`);
    expect(new Set(keys).size).toBe(keys.length);
    const all = await entriesOf(log, 'views');
    expect(all.length).toBeGreaterThan(totals.length);
    expect(all.every(({ value }) => value !== undefined)).toBe(true);
  });
});
