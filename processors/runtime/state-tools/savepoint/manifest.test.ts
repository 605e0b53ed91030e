import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDir } from '../../../../test/harness/temporary-dir.ts';
import { NO_META } from '../../state/task-meta.ts';
import { emptyManifest, manifestText, metaOf, readManifest, savedMeta } from './manifest.ts';

const about = {
  ...{ application: 'shop', groupId: 'group', namespace: '', topology: 'abc' },
  ...{ takenAt: '2026-01-02T03:04:05.000Z', partitions: { visitor: 4 } },
};
const meta = { ...NO_META, taskEpoch: 3, positions: { 'shop.orders': 17 } };
const file = { file: 'task-visitor-0.jsonl.gz', sha256: 'a'.repeat(64), bytes: 20 };
const whole = {
  ...emptyManifest(about),
  tasks: [{ subtopology: 'visitor', partition: 0, meta: savedMeta(meta), entries: 5, ...file }],
};

async function written(text: string): Promise<string> {
  const dir = await temporaryDir();
  await writeFile(join(dir, 'manifest.json'), text);
  return dir;
}

test('comes back as it was, the time before the first event too', async () => {
  const read = await readManifest(await written(manifestText(whole)));
  expect(read).toEqual(whole);
  expect(read.tasks.map(metaOf)).toEqual([meta]);
});

test('is refused where it is missing, no manifest, changed, or of another format', async () => {
  const text = manifestText(whole);
  const refused = async (dir: string, code: string) =>
    expect(readManifest(dir)).rejects.toMatchObject({ code });
  await refused(await temporaryDir(), 'MR_SAVEPOINT_DAMAGED');
  await refused(await written(text.slice(0, -20)), 'MR_SAVEPOINT_DAMAGED');
  await refused(await written('{}'), 'MR_SAVEPOINT_DAMAGED');
  await refused(await written(text.replace('17', '18')), 'MR_SAVEPOINT_DAMAGED');
  await refused(await written(text.replace('task-visitor', '../task-visitor')), 'MR_SAVEPOINT_DAMAGED');
  await refused(await written(text.replace('"format": 1', '"format": 2')), 'MR_SAVEPOINT_FORMAT');
});
