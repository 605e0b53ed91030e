import fc from 'fast-check';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { MillraceError } from '../../errors.ts';
import { readAll, text } from '../contract/harness.contract.ts';
import type { Kafka } from '../port.ts';
import { repairLog } from './repair.ts';
import { Scratch, segmentFiles, sendValues } from './scratch-log.contract.ts';

const scratch = new Scratch();
const small = { segmentBytes: 6_000, compactionSlackBytes: 2_000, fsync: false };
const topics = [
  { topic: 'pair', partitions: 2 },
  { topic: 'solo', partitions: 1 },
  { topic: 'state', partitions: 1, config: { 'cleanup.policy': 'compact' } },
];
const places = [
  ['pair', 0],
  ['pair', 1],
  ['solo', 0],
  ['state', 0],
] as const;

type Content = ReadonlyMap<string, readonly string[]>;

/** Every partition's records as `offset=value`, and the committed offset. */
async function contentOf(kafka: Kafka): Promise<Content> {
  const content = new Map<string, readonly string[]>();
  for (const [topic, partition] of places) {
    const records = await readAll(kafka, { topic, partition });
    content.set(
      `${topic}/${partition}`,
      records.map(({ offset, value }) => `${offset}=${text(value) ?? ''}`),
    );
  }
  const committed = await kafka.admin.committed('g', 'solo');
  return content.set(
    'committed',
    committed.map(({ offset }) => String(offset)),
  );
}

/** A log of many segments as a killed process leaves it, and what it holds. */
async function makeLog(options: { readonly compacts: boolean }): Promise<{ dir: string; content: Content }> {
  const first = scratch.directory();
  const slack = options.compacts ? {} : { compactionSlackBytes: 1e9 };
  const kafka = await scratch.open(first, { ...small, ...slack });
  await kafka.admin.ensureTopics(topics);
  const producer = kafka.transactionalProducer({ transactionalId: 'x', groupId: 'g' });
  await producer.init();
  for (let i = 1; i <= 120; i++) {
    const value = Buffer.from(`v${i}`.padEnd(20 + ((i * 37) % 200), '.'));
    await producer.commit({
      records: [
        ...[0, 1].map((partition) => ({ topic: 'pair', partition, key: null, value })),
        { topic: 'state', key: `k${i % 7}`, value },
      ],
      offsets: [{ topic: 'solo', partition: 0, offset: i }],
    });
    if (i % 3 === 0) await sendValues(kafka, { topic: 'solo' }, [`s${i}`.padEnd(150, '.')]);
  }
  const fenced = kafka.transactionalProducer({ transactionalId: 'x', groupId: 'g' });
  await fenced.init();
  const aborted = { topic: 'pair', partition: 0, key: null, value: Buffer.from('aborted') };
  await expect(producer.commit({ records: [aborted], offsets: [] })).rejects.toMatchObject({
    code: 'MR_KAFKA_FENCED',
  });
  const dir = scratch.copyOf(first);
  const content = await contentOf(kafka);
  await kafka.close();
  return { dir, content };
}

/** True where everything is there, false where the log says that it is damaged. */
async function isWhole(dir: string, content: Content): Promise<boolean> {
  let kafka: Kafka | undefined;
  try {
    kafka = await scratch.open(dir, small);
    expect(await contentOf(kafka)).toEqual(content);
    return true;
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    expect(error.code).toBe('MR_LOG_CORRUPT');
    expect(error.fix).toContain('millrace repair');
    expect(error.message).toMatch(/\/\d{16}\.(log|idx), byte \d+$/);
    return false;
  } finally {
    await kafka?.close();
  }
}

function value(entry: string): string {
  return entry.slice(entry.indexOf('=') + 1);
}

/** Checks a repaired log against what was written; `isJournal` where no segment was ever rewritten. */
async function checkRepaired(
  dir: string,
  content: Content,
  report: Awaited<ReturnType<typeof repairLog>>,
  isJournal: boolean,
): Promise<void> {
  const kafka = await scratch.open(dir, { ...small, compactionSlackBytes: 1e9 });
  const left = await contentOf(kafka);
  for (const [topic, partition] of places) {
    const place = `${topic}/${partition}`;
    const written = content.get(place) ?? [];
    const seen = left.get(place) ?? [];
    expect([place, seen]).toEqual([place, written.slice(0, seen.length)]);
    const lost = report.lost.find((range) => range.topic === topic && range.partition === partition);
    // Nothing is missing that the report does not tell.
    if (seen.length < written.length) {
      const firstMissing = Number(written[seen.length]?.split('=')[0]);
      expect(report.unknownBytes > 0 || (lost?.firstOffset ?? Infinity) <= firstMissing).toBe(true);
    }
    const [{ offset } = { offset: -1 }] = await kafka
      .producer()
      .send([{ topic, partition, key: 'k', value: Buffer.from('goes on') }]);
    expect(offset).toBeGreaterThan(Number(written.at(-1)?.split('=')[0] ?? -1));
    expect((await readAll(kafka, { topic, partition })).at(-1)?.offset).toBe(offset);
  }
  if (isJournal) {
    const pairs = (left.get('pair/0') ?? []).map(value);
    expect((left.get('pair/1') ?? []).map(value)).toEqual(pairs);
    expect((left.get('state/0') ?? []).map(value)).toEqual(pairs);
    expect(left.get('committed')).toEqual(pairs.length === 0 ? [] : [String(pairs.length)]);
  }
  await kafka.close();
}

function files(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => /^\d{16}\.(log|idx)$/.test(name))
    .sort();
}

function repair(dir: string, dryRun = false) {
  return repairLog({ dir, dryRun, now: Date.now });
}

describe.each([
  ['of commits only', false],
  ['with rewritten segments', true],
])('repair of a log %s', (_, compacts) => {
  let log: { dir: string; content: Content };
  let folder = '';

  // The scratch directory goes with each test; this one is for all.
  beforeAll(async () => {
    const made = await makeLog({ compacts });
    folder = `${made.dir}-all`;
    renameSync(made.dir, folder);
    mkdirSync(made.dir);
    log = { dir: folder, content: made.content };
    return () => rmSync(folder, { recursive: true });
  });

  it('has several segments to damage', async () => {
    expect(segmentFiles(log.dir).length).toBeGreaterThan(compacts ? 2 : 8);
    expect(await isWhole(scratch.copyOf(log.dir), log.content)).toBe(true);
    expect(await repair(scratch.copyOf(log.dir))).toMatchObject({ faults: [], isRepaired: false });
  });

  it('leaves a prefix of whole transactions, wherever bits flip', { timeout: 120_000 }, async () => {
    const names = files(log.dir);
    const flip = fc.tuple(
      fc.nat(names.length - 1),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.nat(7),
    );
    let repaired = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(flip, { minLength: 1, maxLength: 3 }), async (flips) => {
        const copy = scratch.copyOf(log.dir);
        for (const [file, at, bit] of flips) flipBit(join(copy, names[file] ?? ''), at, bit);
        const before = scratch.copyOf(copy);
        const whole = await isWhole(copy, log.content);
        if (whole) return;
        const report = await repair(before);
        expect(report.isRepaired).toBe(true);
        repaired++;
        await checkRepaired(before, log.content, report, !compacts);
        expect(await repair(before)).toMatchObject({ faults: [], isRepaired: false });
      }),
      { numRuns: 80 },
    );
    expect(repaired).toBeGreaterThan(30);
  });

  it('leaves a prefix of whole transactions, whichever segment is gone or too short', async () => {
    for (const path of segmentFiles(log.dir).slice(0, -1)) {
      for (const left of [undefined, 0.5]) {
        const copy = scratch.copyOf(log.dir);
        const target = join(copy, basename(path));
        if (left === undefined) rmSync(target);
        else truncateSync(target, Math.floor(statSync(target).size * left));
        expect(await isWhole(copy, log.content)).toBe(false);
        const report = await repair(copy);
        expect(report.isRepaired).toBe(true);
        await checkRepaired(copy, log.content, report, !compacts);
      }
    }
  });
});

it('notices that the newest segment is gone, and repairs the rest', async () => {
  const { dir, content } = await makeLog({ compacts: false });
  rmSync(segmentFiles(dir).at(-1) ?? '');
  expect(await isWhole(scratch.copyOf(dir), content)).toBe(false);
  const report = await repair(dir);
  expect(report).toMatchObject({ isRepaired: true });
  expect(report.unknownBytes).toBeGreaterThan(0);
  await checkRepaired(dir, content, report, true);
});

function flipBit(path: string, where: number, bit: number): void {
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.length * where);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  writeFileSync(path, bytes);
}

describe('repair', () => {
  async function damaged(): Promise<{ dir: string; path: string }> {
    const { dir } = await makeLog({ compacts: false });
    const path = segmentFiles(dir)[3] ?? '';
    const bytes = readFileSync(path);
    const at = bytes.indexOf('....');
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    return { dir, path };
  }

  it('only tells in a dry run', async () => {
    const { dir, path } = await damaged();
    const before = files(dir).map((name) => readFileSync(join(dir, name)));
    const told = await repair(dir, true);
    expect(told).toMatchObject({ isRepaired: false, keptIn: undefined });
    expect(told.faults[0]?.file).toBe(path);
    expect(told.lost.map(({ topic, partition }) => `${topic}/${partition}`)).toEqual(
      expect.arrayContaining(['pair/0', 'pair/1', 'state/0']),
    );
    expect(told.movedBack).toMatchObject([{ groupId: 'g', topic: 'solo', partition: 0, from: 120 }]);
    expect(files(dir).map((name) => readFileSync(join(dir, name)))).toEqual(before);
    expect(existsSync(join(dir, 'damaged'))).toBe(false);
    const done = await repair(dir);
    expect({ ...done, isRepaired: false, keptIn: undefined }).toEqual(told);
  });

  it('keeps the files that it replaces, byte for byte', async () => {
    const { dir, path } = await damaged();
    const before = readFileSync(path);
    const { keptIn = '' } = await repair(dir);
    expect(readFileSync(join(keptIn, basename(path)))).toEqual(before);
    expect(readdirSync(keptIn)).toContain('report.json');
  });

  it('leaves a partition alone that shares no commit with the damage', async () => {
    const { dir } = await damaged();
    const { lost } = await repair(dir);
    expect(lost.some(({ topic }) => topic === 'solo')).toBe(false);
  });

  it('takes back a repair that was cut short and begins anew', async () => {
    const { dir, path } = await damaged();
    const told = await repair(dir, true);
    const { keptIn = '' } = await repair(dir);
    // As it stood before the last step.
    const ids = segmentFiles(dir).map((name) => Number(basename(name).slice(0, 16)));
    const plan = {
      files: readdirSync(keptIn).filter((name) => name !== 'report.json'),
      newestId: Math.max(...ids) - 1,
    };
    writeFileSync(join(keptIn, 'plan.json'), JSON.stringify(plan));
    rmSync(join(keptIn, 'report.json'));
    await expect(scratch.open(dir)).rejects.toMatchObject({ code: 'MR_LOG_CORRUPT' });
    const again = await repair(dir);
    expect(again).toMatchObject({ rolledBack: true, isRepaired: true, lost: told.lost });
    expect(readFileSync(join(again.keptIn ?? '', basename(path)))).toBeInstanceOf(Buffer);
    await (await scratch.open(dir)).close();
  });

  it('refuses a folder that has an owner, and has nothing to do without one', async () => {
    const dir = scratch.directory();
    await scratch.open(dir);
    await expect(repair(dir)).rejects.toMatchObject({ code: 'MR_EMBEDDED_IN_USE' });
    expect(await repair(join(dir, 'none'))).toMatchObject({ faults: [], isRepaired: false });
    expect(existsSync(join(dir, 'none'))).toBe(false);
  });
});
