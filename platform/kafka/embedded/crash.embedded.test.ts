import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readAll, readValues, text } from '../contract/harness.contract.ts';
import type { Kafka } from '../port.ts';
import { logBytes, readPairs, Scratch } from './scratch-log.contract.ts';

const scratch = new Scratch();
const rounds = 20;
const writer = fileURLToPath(new URL('./crash-writer.ts', import.meta.url));

async function runAndKill(dir: string, ackFile: string, round: number): Promise<void> {
  const child = spawn(process.execPath, ['--import', 'tsx', writer, dir, ackFile, String(round)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const complaints: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk.toString()));
  const exit = once(child, 'exit');
  const ready = await Promise.race([once(child.stdout, 'data').then(() => true), exit.then(() => false)]);
  expect([ready, complaints.join('')]).toEqual([true, '']);
  await sleep(20 + Math.random() * 300);
  child.kill('SIGKILL');
  expect((await exit)[1]).toBe('SIGKILL');
  expect(complaints.join('')).toBe('');
}

interface Acknowledged {
  readonly sent: { readonly partition: number; readonly offset: number; readonly id: string }[];
  readonly compacted: Map<string, { readonly round: number; readonly version: number }>;
  committed: number;
}

function readAcknowledgements(ackFile: string): Acknowledged {
  const acks: Acknowledged = { sent: [], compacted: new Map(), committed: 0 };
  const lines = existsSync(ackFile) ? readFileSync(ackFile, 'utf8').split('\n').slice(0, -1) : [];
  for (const line of lines) {
    const [kind, first = '', second = '', third = ''] = line.split(' ');
    if (kind === 'sent') acks.sent.push({ partition: Number(first), offset: Number(second), id: third });
    else if (kind === 'committed') acks.committed = Number(first);
    else acks.compacted.set(first, { round: Number(second), version: Number(third) });
  }
  return acks;
}

async function checkSent(kafka: Kafka, acks: Acknowledged): Promise<number> {
  const stored = await Promise.all(
    [0, 1, 2, 3].map((partition) => readAll(kafka, { topic: 'sent', partition })),
  );
  for (const records of stored) {
    expect(records.every((record, i) => record.offset === i)).toBe(true);
    expect(new Set(records.map((record) => text(record.key))).size).toBe(records.length);
    expect(records.every((record) => text(record.value)?.startsWith(text(record.key) ?? '?'))).toBe(true);
  }
  const lost = acks.sent.filter(
    ({ partition, offset, id }) => text(stored[partition]?.[offset]?.key ?? null) !== id,
  );
  expect(lost).toEqual([]);
  return stored.reduce((sum, records) => sum + records.length, 0);
}

async function checkCommitted(kafka: Kafka, acks: Acknowledged): Promise<void> {
  const values = await readValues(kafka, 'committed', 0);
  expect(values).toEqual(values.map((_, i) => String(i + 1)));
  expect(await readValues(kafka, 'committed', 1)).toEqual(values);
  expect(values.length).toBeGreaterThanOrEqual(acks.committed);
  const [done] = await kafka.admin.committed('crash', 'sent');
  expect(done?.offset ?? 0).toBe(values.length);
}

async function checkCompacted(kafka: Kafka, acks: Acknowledged): Promise<void> {
  const latest = new Map(await readPairs(kafka, 'compacted'));
  for (const [key, acknowledged] of acks.compacted) {
    const [round = 0, version = 0] = (latest.get(key)?.trimEnd().split(' ')[0] ?? '').split('.').map(Number);
    const isCurrent =
      round > acknowledged.round || (round === acknowledged.round && version >= acknowledged.version);
    expect([key, isCurrent]).toEqual([key, true]);
  }
}

it(`loses nothing that was acknowledged over ${rounds} kills`, { timeout: 300_000 }, async () => {
  const dir = scratch.directory();
  const ackFile = join(scratch.directory(), 'acks');
  for (let round = 1; round <= rounds; round++) {
    await runAndKill(dir, ackFile, round);
    const kafka = await scratch.open(dir);
    const acks = readAcknowledgements(ackFile);
    const stored = await checkSent(kafka, acks);
    await checkCommitted(kafka, acks);
    await checkCompacted(kafka, acks);
    // Every other round the next writer finds the log as the kill left it but for this reopening's close.
    await kafka.close();
    if (round === rounds) {
      const { sent, committed } = acks;
      console.info(
        `kills ${rounds}, acknowledged ${sent.length}, stored ${stored}, transactions ${committed}`,
      );
      expect(sent.length).toBeGreaterThan(1_000);
      expect(logBytes(dir)).toBeGreaterThan(0);
    }
  }
});
