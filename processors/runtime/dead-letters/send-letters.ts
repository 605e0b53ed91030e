import type { Row } from '../../../platform/clickhouse/port.ts';
import { logReader } from '../../../platform/kafka/log-reader.ts';
import type { Kafka, LogRecord, ProduceRecord, TransactionalProducer } from '../../../platform/kafka/port.ts';
import { letterId, type LetterHead } from './letter.ts';
import { markRecord } from './marks.ts';
import { readLetters } from './read-letters.ts';
import { redrivenRecord } from './redriven.ts';

/** Inserts rows; each may have been inserted before. */
export type RowInsert = (table: string, rows: readonly Row[]) => Promise<void>;

export interface SendOptions {
  readonly kafka: Kafka;
  readonly namespace: string;
  readonly insert: RowInsert;
  readonly producer: TransactionalProducer;
}

const MAX_BATCH_RECORDS = 500;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/** Letters that go together. */
interface Batch {
  readonly letters: LetterHead[];
  readonly records: LogRecord[];
  bytes: number;
}

interface LeftOver {
  readonly letter: string;
  readonly reason: string;
}

export interface Sent {
  readonly letters: number;
  /** Letters whose topics take what they hold no more than before. */
  readonly left: readonly LeftOver[];
}

/** Sends what letters hold, in batches of one transaction each; each batch is whole or not at all. */
export async function sendLetters(letters: readonly LetterHead[], options: SendOptions): Promise<Sent> {
  const left: LeftOver[] = [];
  for await (const batch of batchesOf(options, letters)) left.push(...(await sendBatch(options, batch)));
  return { letters: letters.length - left.length, left };
}

/** What the letters hold, read again in the order of the plan, partition by partition. */
async function* batchesOf(
  { kafka }: SendOptions,
  letters: readonly LetterHead[],
): AsyncGenerator<Batch, undefined> {
  const log = logReader(kafka);
  for (const wanted of byPartition(letters)) {
    const [first, last] = [wanted[0], wanted.at(-1)];
    if (first === undefined || last === undefined) continue;
    const offsets = new Set(wanted.map(({ offset }) => offset));
    const { topic, partition } = first;
    let batch: Batch = { letters: [], records: [], bytes: 0 };
    const range = { topic, partition, start: first.offset, end: last.offset + 1 };
    for await (const { letter, record } of readLetters(log, range)) {
      if (!offsets.has(letter.offset)) continue;
      const bytes = record.value?.length ?? 0;
      if (batch.records.length >= MAX_BATCH_RECORDS || batch.bytes + bytes > MAX_BATCH_BYTES) {
        if (batch.records.length > 0) yield batch;
        batch = { letters: [], records: [], bytes: 0 };
      }
      batch.letters.push(letter);
      batch.records.push(record);
      batch.bytes += bytes;
    }
    if (batch.records.length > 0) yield batch;
  }
}

/** @returns what was left, since its topic does not take it */
async function sendBatch(
  { namespace, insert, producer }: SendOptions,
  { letters, records }: Batch,
): Promise<readonly LeftOver[]> {
  const rows = new Map<string, Row[]>();
  const out: { readonly letter: LetterHead; readonly record: ProduceRecord }[] = [];
  const inserted: LetterHead[] = [];
  for (const [at, letter] of letters.entries()) {
    const [record, target] = [records[at], letter.target];
    if (record === undefined || target === undefined) continue;
    if (target.kind === 'topic') {
      out.push({ letter, record: redrivenRecord(letter, record, target) });
      continue;
    }
    rows.set(target.table, [...(rows.get(target.table) ?? []), JSON.parse(String(record.value)) as Row]);
    inserted.push(letter);
  }
  const refused = new Map(
    (await producer.refused(out.map(({ record }) => record))).map(({ index, reason }) => [index, reason]),
  );
  const sent = out.filter((_, index) => !refused.has(index));
  for (const [table, those] of rows) await insert(table, those);
  const marks = [...sent.map(({ letter }) => letter), ...inserted].map((letter) =>
    markRecord(namespace, letter),
  );
  if (marks.length > 0)
    await producer.commit({ records: [...sent.map(({ record }) => record), ...marks], offsets: [] });
  return out.flatMap(({ letter }, index) => {
    const reason = refused.get(index);
    return reason === undefined ? [] : [{ letter: letterId(letter), reason }];
  });
}

function byPartition(letters: readonly LetterHead[]): Iterable<readonly LetterHead[]> {
  const groups = new Map<string, LetterHead[]>();
  for (const letter of letters) {
    const place = `${letter.topic}/${letter.partition}`;
    const group = groups.get(place);
    if (group === undefined) groups.set(place, [letter]);
    else group.push(letter);
  }
  return groups.values();
}
