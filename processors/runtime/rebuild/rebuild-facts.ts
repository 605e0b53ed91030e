import type { ClickHouse } from '../../../platform/clickhouse/port.ts';
import { MillraceError } from '../../../platform/errors.ts';
import { logReader } from '../../../platform/kafka/log-reader.ts';
import type { Kafka } from '../../../platform/kafka/port.ts';
import { FACT_TTL_DAYS } from '../../../schemas/tables.ts';
import { namespaced } from '../../../schemas/topics.ts';
import type { AccountReader } from '../audit/account-reader.ts';
import { inputRange } from '../audit/account-reader.ts';
import { factParts, type FactPart } from '../audit/fact-parts.ts';
import { columnsOf, FactTable, rangeSql, type FactRange } from '../audit/fact-table.ts';
import type { FactMapping } from '../audit/index.ts';
import type { Subtopology } from '../topology.ts';
import { DeadOrigins } from './dead-origins.ts';
import { FACT_KEY } from './fact-key.ts';
import { repairBucket } from './repair-bucket.ts';
import { emptyReport, type RebuildEvents, type RebuildReport } from './report.ts';
import { FactScan, type ExpectedFacts } from './scan-facts.ts';
import { TableRepair } from './table-repair.ts';

export interface RebuildFactsOptions extends RebuildEvents {
  readonly kafka: Kafka;
  readonly clickhouse: ClickHouse;
  readonly namespace: string;
  readonly subtopologies: readonly Subtopology[];
  readonly mappings: readonly FactMapping[];
  /** Up to date. */
  readonly accounts: AccountReader;
  readonly now: () => number;
  /** Only tells what would be done. */
  readonly isDry: boolean;
}

/** A bucket that was wrong, with what it must hold afterwards. */
interface Repaired {
  readonly part: FactPart;
  readonly expected: ExpectedFacts;
}

const DAY_MS = 86_400_000;

/**
 * Makes a fact table hold what the tasks have committed: facts are made again from the log by the functions of the tasks,
 * for the offsets of their accounts, and the digests of the accounts prove each bucket. What is right is left alone.
 * @throws MillraceError MR_REBUILD_CONTESTED where another writer undoes it
 */
export async function rebuildFacts(name: string, options: RebuildFactsOptions): Promise<RebuildReport> {
  const { clickhouse, now, isDry } = options;
  const table = new FactTable(clickhouse, name, await columnsOf(clickhouse, name));
  const repair = new TableRepair(
    clickhouse,
    { table: name, columns: table.columns, key: FACT_KEY },
    { isDry },
  );
  const report = { ...emptyReport(), tables: 1 };
  const repaired: Repaired[] = [];
  const dead = new DeadOrigins(logReader(options.kafka));
  // The rows of older records go by their TTL.
  const parts = factParts(name, { ...options, oldestMs: now() - (FACT_TTL_DAYS - 1) * DAY_MS });
  for (const ofPartition of byPartition(parts)) {
    const mapping = mappingOf(name, ofPartition, options.mappings);
    const scan = new FactScan(table, { kafka: options.kafka, mapping, dead });
    for (const part of ofPartition) {
      const expected = await scan.expect(part);
      const isTouched = await repairBucket(table, { ...options, part, expected, mapping, repair, report });
      if (isTouched) repaired.push({ part, expected });
      report.rowsChecked += part.said.count;
      options.onProgress(name, report.rowsChecked);
    }
  }
  const inside = await committedRanges(name, options);
  const strays = (await table.strays(inside)).reduce((sum, { n }) => sum + n, 0);
  if (strays > 0) await repair.wrongWhere(`NOT (${inside.map(rangeSql).join(' OR ') || '0'})`, strays);
  if (repair.hasWork) await options.requireStopped();
  if (repair.hasWork && !isDry) options.onStep(`putting ${name} right`);
  await repair.publish();
  if (!isDry) await requireRight(table, repaired);
  report.rowsWritten = repair.counts.written;
  report.rowsDeleted = repair.counts.deleted;
  return report;
}

function byPartition(parts: readonly FactPart[]): readonly (readonly FactPart[])[] {
  const groups = new Map<string, FactPart[]>();
  for (const part of parts) {
    const key = `${part.range.topic}/${part.range.partition}`;
    groups.set(key, [...(groups.get(key) ?? []), part]);
  }
  return [...groups.values()].map((group) => group.sort((x, y) => x.range.from - y.range.from));
}

function mappingOf(table: string, parts: readonly FactPart[], mappings: readonly FactMapping[]): FactMapping {
  const topic = parts[0]?.input.topic;
  const mapping = mappings.find((known) => known.table === table && known.topic === topic);
  if (mapping === undefined) throw new Error(`no mapping makes rows of ${table} from ${topic}`);
  return mapping;
}

/**
 * The offsets that rows of the table may have: what the tasks have committed. A task that never kept an account may have
 * read to the end of the log.
 */
async function committedRanges(table: string, options: RebuildFactsOptions): Promise<readonly FactRange[]> {
  const { accounts, kafka, mappings, namespace } = options;
  const ranges: FactRange[] = [];
  for (const { topic: contract } of mappings.filter((mapping) => mapping.table === table)) {
    const topic = namespaced(namespace, contract);
    const readers = accounts.tasks.filter(({ subtopology }) =>
      reads(options.subtopologies, subtopology, contract),
    );
    for (const { partition, end } of await kafka.admin.offsets(topic)) {
      const ledger = readers.find((task) => task.partition === partition)?.inputs.get(contract);
      const to = ledger === undefined || ledger.buckets().length === 0 ? end : inputRange(ledger).to;
      ranges.push({ topic, partition, from: 0, to });
    }
  }
  return ranges;
}

function reads(subtopologies: readonly Subtopology[], name: string, topic: string): boolean {
  const { inputs = [] } = subtopologies.find((subtopology) => subtopology.name === name) ?? {};
  return inputs.some((input) => input.topic === topic);
}

/** The proof, after the fact: what readers see of each bucket that was touched is what it must be. */
async function requireRight(table: FactTable, repaired: readonly Repaired[]): Promise<void> {
  for (const { part, expected } of repaired) {
    const { content } = await table.sum(expected.range);
    if (content.equals(expected.content)) continue;
    const { topic, partition, from, to } = part.range;
    throw new MillraceError(
      'MR_REBUILD_CONTESTED',
      `${table.table} is not as it was rebuilt: ${topic}/${partition} offsets ${from} to ${to - 1}`,
      { context: { table: table.table, topic, partition, from, to } },
    );
  }
}
