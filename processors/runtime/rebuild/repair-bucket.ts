import type { Kafka } from '../../../platform/kafka/port.ts';
import type { FactPart } from '../audit/fact-parts.ts';
import type { FactHash, FactRange, FactTable } from '../audit/fact-table.ts';
import type { HashPair } from '../audit/hash-pair.ts';
import { remake, type FactMapping, type Remade } from '../audit/remade-facts.ts';
import { hashRow } from '../audit/row-text.ts';
import { FACT_KEY } from './fact-key.ts';
import type { RebuildReport, Unsettled } from './report.ts';
import type { ExpectedFacts } from './scan-facts.ts';
import type { TableRepair } from './table-repair.ts';

export interface RepairBucketOptions {
  readonly kafka: Kafka;
  readonly part: FactPart;
  readonly expected: ExpectedFacts;
  readonly mapping: FactMapping;
  readonly repair: TableRepair;
  readonly report: RebuildReport;
  readonly onUnsettled: (unsettled: Unsettled) => void;
}

/** Rows that are in memory at once. */
const CHUNK_OFFSETS = 4096;

/**
 * Compares a bucket with what it must hold, and hands what is wrong to the repair.
 * @returns whether anything was
 */
export async function repairBucket(table: FactTable, options: RepairBucketOptions): Promise<boolean> {
  const { expected } = options;
  tellUnproven(table.table, options);
  const found = await table.sum(expected.range);
  if (found.ids.equals(expected.ids) && found.content.equals(expected.content)) return false;
  const { from, to } = expected.range;
  for (let at = from; at < to; at += CHUNK_OFFSETS)
    await repairChunk(table, { ...expected.range, from: at, to: Math.min(to, at + CHUNK_OFFSETS) }, options);
  return true;
}

async function repairChunk(table: FactTable, range: FactRange, options: RepairBucketOptions): Promise<void> {
  const { kafka, part, expected, mapping, repair } = options;
  const missing = new Map<number, Remade>();
  for await (const fact of remake(kafka, { mapping, input: part.input, range }))
    if (expected.facts.has(fact.offset)) missing.set(fact.offset, fact);
  for (const row of await table.rows(range)) {
    const fact = row.ordinal === 0 ? missing.get(row.offset) : undefined;
    const content = fact && expected.contents.get(fact.offset);
    if (content !== undefined && isEqual(content, row.content)) missing.delete(row.offset);
    else await repair.wrong(keyOf(range, row), content);
  }
  for (const { row } of missing.values()) await repair.put(row);
}

function tellUnproven(table: string, { part, expected, report, onUnsettled }: RepairBucketOptions): void {
  const { topic, partition, from, to } = part.range;
  report.rowsKept += expected.gone.count;
  report.unproven += expected.isProven ? expected.gone.count : part.said.count;
  if (expected.isProven) return;
  const hasGone = expected.range.from > from;
  const there = expected.gone.count + expected.ids.count;
  onUnsettled({
    table,
    place: `${topic}/${partition} offsets ${from} to ${to - 1}`,
    reason: hasGone
      ? `the log has let go of the offsets below ${expected.range.from}: of ${part.said.count} facts, ${there} are there or can be made again`
      : `the account says ${part.said.count} facts, and ${there} of the records look like it`,
  });
}

function keyOf({ topic, partition }: FactRange, { offset, ordinal }: FactHash): HashPair {
  const key = { a: 0, b: 0 };
  const row = { _topic: topic, _partition: partition, _offset: offset, _ordinal: ordinal };
  hashRow(row, FACT_KEY, key);
  return key;
}

function isEqual(x: HashPair, y: HashPair): boolean {
  return x.a === y.a && x.b === y.b;
}
