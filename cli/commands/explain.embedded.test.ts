import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../platform/config.ts';
import { logReader } from '../../platform/kafka/log-reader.ts';
import type { Evidence } from '../../processors/runtime/evidence/evidence.ts';
import { raiseAlerts } from '../../processors/explain/explain-alert.contract.ts';
import { findEvidence } from '../../processors/explain/find-alert.ts';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { openLog } from '../backends.ts';
import { COMMANDS } from '../commands.ts';
import { runCommandLine } from '../run.ts';
import { withSession } from '../session.ts';

async function explain(...args: string[]) {
  const printed: string[] = [];
  const noted: string[] = [];
  const output = { print: (line: string) => printed.push(line), note: (line: string) => noted.push(line) };
  const code = await runCommandLine(COMMANDS, ['explain', ...args], output);
  const last = code === 2 || printed.length === 0 ? {} : (JSON.parse(printed.at(-1) ?? '') as object);
  return { code, text: printed.join('\n'), noted: noted.join('\n'), last: last as Record<string, unknown> };
}

/** Owns a data folder in which a burst and silent parcels were found; tells the ids of one of each. */
async function withAlerts(dataDir: string, work: (burst: string, parcel: string) => Promise<void>) {
  const config = loadConfig({ MR_DATA_DIR: dataDir, MR_LOG_LEVEL: 'warn' });
  await withSession(config, 'demo', async (session) => {
    const kafka = await openLog(session);
    const ids = await raiseAlerts({ kafka, namespace: '' });
    const found = await Promise.all(ids.map((id) => findEvidence(logReader(kafka), '', id)));
    const idOf = (kind: Evidence['cause']['kind']) =>
      found.find(({ evidence }) => evidence.cause.kind === kind)?.evidence.id ?? '';
    await work(idOf('record'), idOf('timer'));
  });
}

describe('millrace explain', () => {
  it('explains beside the owner of a data folder, without one, and from a file alone', {
    timeout: 120_000,
  }, async () => {
    const dataDir = await temporaryDir();
    const folder = ['--data-dir', dataDir];
    const file = join(await temporaryDir(), 'burst.json');
    let burst = '';
    await withAlerts(dataDir, async (burstId, parcel) => {
      burst = burstId;
      const card = await explain('alert', burst, ...folder, '--save', file);
      expect(card).toMatchObject({ code: 0, last: { outcome: 'same', replayedRecords: 1, stateEntries: 1 } });
      expect(card.text).toContain('because   the record millrace.card-payments/');
      expect(card.text).toContain('decided again with the settings of then: the same, byte for byte');
      // A card is a person's; a parcel is a thing.
      expect(card.text).not.toContain('card-1');
      expect((await explain('alert', burst, ...folder, '--reveal')).text).toContain('card card-1');
      const silent = await explain('alert', parcel, ...folder);
      expect(silent).toMatchObject({ code: 0, last: { outcome: 'same', published: 'as decided' } });
      expect(silent.text).toMatch(/because {3}the timer parcel-silence of parcel-\d was due/);
      // Today five payments make a burst: by those of then it was four.
      const today = await explain('alert', burst, ...folder, '--settings', 'current');
      expect(today).toMatchObject({ code: 1, last: { outcome: 'silent' } });
    });
    expect(await explain('alert', burst, ...folder)).toMatchObject({ code: 0, last: { outcome: 'same' } });
    expect((await stat(file)).mode & 0o077).toBe(0);
    const alone = await explain('alert', '--file', file, '--json');
    expect(alone).toMatchObject({ code: 0, last: { outcome: 'same', alert: { entityId: 'card…(6)' } } });
    expect(alone.last).not.toHaveProperty('evidence');

    const evidence = JSON.parse(await readFile(file, 'utf8')) as Evidence;
    const entries = evidence.entries.map((entry) => ({ ...entry, value: null }));
    await writeFile(file, JSON.stringify({ ...evidence, entries }));
    expect(await explain('alert', '--file', file)).toMatchObject({ code: 1, last: { outcome: 'silent' } });
  });

  it('says what is wrong with what was asked, and with a file', async () => {
    const dataDir = await temporaryDir();
    const file = join(dataDir, 'evidence.json');
    const says = async (args: readonly string[], code: number, text: string) =>
      expect(await explain(...args)).toMatchObject({ code, noted: expect.stringContaining(text) as string });
    await says(['alert'], 2, 'needs the id of an alert');
    await says(['order', 'x'], 2, 'usage: millrace explain alert <id>');
    await says(['alert', 'x', '--data-dir', dataDir], 1, 'there is no embedded log');
    await says(['alert', '--file', file], 1, 'cannot be read');
    await writeFile(file, 'no JSON');
    await says(['alert', '--file', file], 1, 'MR_EXPLAIN_EVIDENCE_INVALID');
    await writeFile(file, '{"format":2}');
    await says(['alert', '--file', file], 1, 'its format is 2, and this program reads 1');
    await writeFile(file, '{"format":1}');
    await says(['alert', '--file', file], 1, 'it is no evidence');
  });
});
