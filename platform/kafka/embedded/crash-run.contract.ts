import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { readAll, text } from '../contract/harness.contract.ts';
import type { Kafka } from '../port.ts';

export interface CrashWriterOptions {
  /** How to start the writer: arguments of Node up to its path. */
  readonly command: readonly string[];
  readonly dir: string;
  /** File of acknowledgements; each round goes on at its end. */
  readonly ackFile: string;
  readonly round: number;
  readonly compileCache: string;
}

export interface CrashWriter {
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
}

/** Starts a process that writes to the log in `dir` without end; resolves when it has begun. */
export async function startCrashWriter(options: CrashWriterOptions): Promise<CrashWriter> {
  const { command, dir, ackFile, round } = options;
  const child = spawn(process.execPath, [...command, dir, ackFile, String(round)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { NODE_COMPILE_CACHE: options.compileCache },
  });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const isReady = await Promise.race([once(child.stdout, 'data').then(() => true), closed.then(() => false)]);
  if (!isReady) throw new Error(`round ${round} ended by itself: ${complaints}`);
  return {
    async kill() {
      child.kill('SIGKILL');
      const [, signal] = await closed;
      if (signal !== 'SIGKILL' || complaints !== '')
        throw new Error(`round ${round} ended by itself: ${complaints}`);
    },
  };
}

export interface Acknowledged {
  readonly sent: { readonly partition: number; readonly offset: number; readonly id: string }[];
  readonly expiring: { readonly offset: number; readonly id: string }[];
  readonly compacted: Map<string, { readonly round: number; readonly version: number }>;
  committed: number;
  /** Commits of a producer that had been fenced and was not refused. */
  wronglyCommitted: number;
}

/** Every acknowledgement that was noted as a whole line. */
export function readAcknowledged(ackFile: string): Acknowledged {
  const acks: Acknowledged = {
    sent: [],
    expiring: [],
    compacted: new Map(),
    committed: 0,
    wronglyCommitted: 0,
  };
  const lines = existsSync(ackFile) ? readFileSync(ackFile, 'utf8').split('\n').slice(0, -1) : [];
  for (const line of lines) {
    const [kind, first = '', second = '', third = ''] = line.split(' ');
    if (kind === 'sent') acks.sent.push({ partition: Number(first), offset: Number(second), id: third });
    else if (kind === 'expiring') acks.expiring.push({ offset: Number(first), id: second });
    else if (kind === 'committed') acks.committed = Number(first);
    else if (kind === 'fenced-commit') acks.wronglyCommitted++;
    else acks.compacted.set(first, { round: Number(second), version: Number(third) });
  }
  return acks;
}

export interface CrashCount {
  readonly acknowledged: number;
  readonly stored: number;
  readonly lost: number;
  readonly duplicated: number;
  /** What contradicts itself: half a transaction, one that was refused, an offset that moved without its records. */
  readonly contradictions: readonly string[];
}

/** Compares a log that was opened after kills with what its writers were told. */
export async function verify(kafka: Kafka, acks: Acknowledged): Promise<CrashCount> {
  const sent = await verifySent(kafka, acks);
  const expiring = await verifyExpiring(kafka, acks);
  return {
    acknowledged: acks.sent.length + acks.expiring.length + acks.committed,
    stored: sent.stored,
    lost: sent.lost + expiring + (await staleKeys(kafka, acks)),
    duplicated: sent.duplicated,
    contradictions: [...sent.contradictions, ...(await verifyCommitted(kafka, acks))],
  };
}

async function verifySent(kafka: Kafka, acks: Acknowledged) {
  const stored = await Promise.all(
    [0, 1, 2, 3].map((partition) => readAll(kafka, { topic: 'sent', partition })),
  );
  const ids = stored.map((records) => records.map(({ key }) => text(key) ?? ''));
  const all = ids.flat();
  const isWrong = stored.some((records, partition) =>
    records.some(
      (record, i) =>
        record.offset !== i || text(record.value)?.startsWith(ids[partition]?.[i] ?? '?') !== true,
    ),
  );
  return {
    stored: all.length,
    lost: acks.sent.filter(({ partition, offset, id }) => ids[partition]?.[offset] !== id).length,
    duplicated: all.length - new Set(all).size,
    contradictions: isWrong ? ['a record is not at its offset, or has a value of another'] : [],
  };
}

/** Retention may take the oldest, and nothing else. */
async function verifyExpiring(kafka: Kafka, acks: Acknowledged): Promise<number> {
  const [{ start } = { start: 0 }] = await kafka.admin.offsets('expiring');
  const records = await readAll(kafka, { topic: 'expiring', partition: 0 });
  const values = new Map(records.map(({ offset, value }) => [offset, text(value)?.trimEnd()]));
  return acks.expiring.filter(({ offset, id }) => offset >= start && values.get(offset) !== id).length;
}

async function verifyCommitted(kafka: Kafka, acks: Acknowledged): Promise<string[]> {
  const [left, right] = await Promise.all(
    [0, 1].map(async (partition) =>
      (await readAll(kafka, { topic: 'committed', partition })).map(({ value }) => text(value)),
    ),
  );
  const [done] = await kafka.admin.committed('crash', 'sent');
  const expected = Array.from({ length: done?.offset ?? 0 }, (_, i) => String(i + 1)).join();
  const contradictions: string[] = [];
  if (left?.join() !== expected) contradictions.push('transactions and the committed offset differ');
  if (right?.join() !== left?.join()) contradictions.push('half a transaction is visible');
  if ((done?.offset ?? 0) < acks.committed) contradictions.push('an acknowledged transaction is gone');
  if (acks.wronglyCommitted > 0) contradictions.push('a fenced producer committed');
  return contradictions;
}

async function staleKeys(kafka: Kafka, acks: Acknowledged): Promise<number> {
  const records = await readAll(kafka, { topic: 'compacted', partition: 0 });
  const latest = new Map(records.map(({ key, value }) => [text(key), text(value)]));
  return [...acks.compacted].filter(([key, { round, version }]) => {
    const [foundRound = 0, found = 0] = (latest.get(key)?.split(' ')[0] ?? '').split('.').map(Number);
    return foundRound < round || (foundRound === round && found < version);
  }).length;
}
