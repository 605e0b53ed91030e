import type { Row } from '../../../platform/clickhouse/port.ts';
import type { Kafka } from '../../../platform/kafka/port.ts';
import type { Input } from '../topology.ts';
import { Digest } from './digest.ts';
import type { FactBucket, FactHash, FactRange, FactTable } from './fact-table.ts';
import type { Finding } from './finding.ts';
import type { HashPair } from './hash-pair.ts';
import { contentOf, remake, textOf, type FactMapping, type Remade } from './remade-facts.ts';
import type { Column } from './row-sql.ts';

export interface CompareOptions {
  readonly kafka: Kafka;
  readonly mappings: readonly FactMapping[];
  readonly input: Input;
  readonly range: FactRange;
  /** EventIds of the facts that the task has made of the range. */
  readonly said: Digest;
  readonly found: FactBucket;
  /** Checksum of the rows when they were proven; undefined where they never were. */
  readonly known: Digest | undefined;
}

const EXAMPLES = 5;

/**
 * Makes the rows of a range anew from the log and compares them one by one, to prove a bucket or to find what is wrong
 * with it. Where the log has let go of its records, only the bucket can be named.
 */
export async function compareRows(
  table: FactTable,
  options: CompareOptions,
): Promise<{ readonly findings: readonly Finding[]; readonly isProven: boolean }> {
  const { range, said, found, known } = options;
  const remade = await remadeOf(table.table, options);
  if (remade === undefined) {
    const findings = withoutLog(table.table, { range, said, found, known });
    return { findings, isProven: false };
  }
  if (isWhole(remade, { said, found, columns: table.columns })) return { findings: [], isProven: true };
  const rows = await table.rows(range);
  const findings: Finding[] = [];
  const base = { store: 'clickhouse' as const, what: table.table, partition: range.partition };
  const missing = new Map(remade);
  const legitimate = new Digest();
  for (const row of rows) {
    const expected = remade.get(row.offset);
    const isOwn = expected !== undefined && row.ordinal === 0 && row.eventId === expected.eventId;
    if (!isOwn) {
      const found = stranger(row, { remade, range });
      findings.push({ ...base, ...found });
      // Its event is there, under another id.
      if (expected !== undefined && found.kind === 'altered' && missing.delete(row.offset))
        legitimate.add(expected.id);
      continue;
    }
    missing.delete(row.offset);
    legitimate.add(expected.id);
    if (isEqual(contentOf(expected.row, table.columns), row.content)) continue;
    const place = { ...range, from: row.offset, to: row.offset + 1, ordinal: 0 };
    const columns = differences(expected.row, table.columns, await table.cells(place));
    const reason = `the log says otherwise: ${columns.join(', ')}`;
    findings.push({ ...base, kind: 'altered', count: 1, place: placeOf(range, row.offset), reason });
  }
  findings.push(...gaps({ missing, lacking: said.minus(legitimate) }, { base, range }));
  return { findings: findings.slice(0, 50), isProven: true };
}

/** Where every record is a fact, as most are, sums are enough: no row has to be fetched. */
function isWhole(
  remade: ReadonlyMap<number, Remade>,
  { said, found, columns }: { said: Digest; found: FactBucket; columns: readonly Column[] },
): boolean {
  const ids = new Digest();
  for (const { id } of remade.values()) ids.add(id);
  if (!ids.equals(said) || !ids.equals(found.ids)) return false;
  const content = new Digest();
  for (const { row } of remade.values()) content.add(contentOf(row, columns));
  return content.equals(found.content);
}

/** Undefined where the log has let go of the beginning of the range. */
async function remadeOf(
  table: string,
  { kafka, mappings, input, range }: CompareOptions,
): Promise<Map<number, Remade> | undefined> {
  const mapping = mappings.find((known) => known.table === table && known.topic === input.topic);
  const log = (await kafka.admin.offsets(range.topic)).find(({ partition }) => partition === range.partition);
  if (mapping === undefined || log === undefined || log.start > range.from) return undefined;
  const remade = new Map<number, Remade>();
  for await (const fact of remake(kafka, { mapping, input, range })) remade.set(fact.offset, fact);
  return remade;
}

function withoutLog(
  what: string,
  { range, said, found, known }: Pick<CompareOptions, 'range' | 'said' | 'found' | 'known'>,
): Finding[] {
  const more = found.ids.count - said.count;
  if (more === 0 && found.ids.equals(said) && (known === undefined || known.equals(found.content))) return [];
  return [
    {
      ...{ store: 'clickhouse', what, partition: range.partition, count: Math.abs(more) || 1 },
      kind: more < 0 ? 'gap' : more > 0 ? 'duplicate' : 'altered',
      place: `${range.topic}/${range.partition} offsets ${range.from} to ${range.to - 1}`,
      reason: `the task has made ${said.count} facts of them, and there are ${found.ids.count}; the log has let go of them`,
    },
  ];
}

function stranger(
  row: FactHash,
  { remade, range }: { readonly remade: ReadonlyMap<number, Remade>; readonly range: FactRange },
): Pick<Finding, 'kind' | 'count' | 'place' | 'reason'> {
  const place = `${placeOf(range, row.offset)}${row.ordinal === 0 ? '' : `, ordinal ${row.ordinal}`}`;
  const expected = remade.get(row.offset);
  const isCopy = [...remade.values()].some(({ eventId }) => eventId === row.eventId);
  if (row.ordinal === 0 && expected !== undefined && !isCopy)
    return { kind: 'altered', count: 1, place, reason: 'the log says otherwise: event_id' };
  if (isCopy)
    return { kind: 'duplicate', count: 1, place, reason: `the event ${row.eventId} is there once more` };
  return { kind: 'foreign', count: 1, place, reason: 'no record of the log has this event' };
}

/** Records without a row may have been duplicates or dead letters: as many as the task says are facts are missing. */
function gaps(
  state: { readonly missing: ReadonlyMap<number, Remade>; readonly lacking: Digest },
  {
    base,
    range,
  }: { readonly base: Pick<Finding, 'store' | 'what' | 'partition'>; readonly range: FactRange },
): Finding[] {
  const { missing, lacking } = state;
  if (lacking.count === 0) return [];
  if (lacking.count < 0) {
    const place = `${range.topic}/${range.partition} offsets ${range.from} to ${range.to - 1}`;
    const reason = 'records that are no facts, such as repeated ones, have rows';
    return [{ ...base, kind: 'duplicate', count: -lacking.count, place, reason }];
  }
  const all = new Digest();
  for (const { id } of missing.values()) all.add(id);
  const one = [...missing].find(([, { id }]) => lacking.count === 1 && lacking.isOf(id));
  const named = one !== undefined ? [one] : all.equals(lacking) ? [...missing] : [];
  if (named.length === 0) {
    const place = `${range.topic}/${range.partition} offsets ${range.from} to ${range.to - 1}`;
    return [
      { ...base, kind: 'gap', count: lacking.count, place, reason: 'facts are missing among these offsets' },
    ];
  }
  return named.slice(0, EXAMPLES).map(([offset, { eventId }], index) => ({
    ...base,
    kind: 'gap' as const,
    count: index === 0 ? lacking.count - Math.min(EXAMPLES, named.length) + 1 : 1,
    place: placeOf(range, offset),
    reason: `the row of the event ${eventId} is missing`,
  }));
}

function differences(
  row: Row,
  columns: readonly Column[],
  cells: Readonly<Record<string, string>>,
): string[] {
  return columns.filter((column) => textOf(row, column) !== cells[column.name]).map(({ name }) => name);
}

function isEqual(x: HashPair, y: HashPair): boolean {
  return x.a === y.a && x.b === y.b;
}

function placeOf({ topic, partition }: FactRange, offset: number): string {
  return `${topic}/${partition} offset ${offset}`;
}
