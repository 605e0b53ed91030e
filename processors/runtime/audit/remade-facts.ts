import type { Row } from '../../../platform/clickhouse/port.ts';
import type { Kafka } from '../../../platform/kafka/port.ts';
import type { MillraceEvent } from '../../../schemas/generated/events.ts';
import type { Input } from '../topology.ts';
import type { FactRange } from './fact-table.ts';
import { hashText, type HashPair } from './hash-pair.ts';
import { readInput } from './input-log.ts';
import { defaultText, type Column } from './row-sql.ts';
import { cellText, COLUMN_END } from './row-text.ts';

/** How the records of a topic become rows of a fact table: the function that its task uses. */
export interface FactMapping {
  readonly table: string;
  /** Contract name. */
  readonly topic: string;
  readonly row: (event: never) => Row;
}

/** A fact as the log says it must be, if its task made one of the record. */
export interface Remade {
  readonly offset: number;
  readonly row: Row;
  readonly id: HashPair;
  readonly eventId: string;
  /** Epoch ms. */
  readonly ingestTimeMs: number;
}

/** The rows of every record of the range that is there and can be read, in the order of the log. */
export async function* remake(
  kafka: Pick<Kafka, 'readToEnd'>,
  {
    mapping,
    input,
    range,
  }: { readonly mapping: FactMapping; readonly input: Input; readonly range: FactRange },
): AsyncGenerator<Remade, undefined> {
  const place = { name: range.topic, input, partition: range.partition };
  for await (const { record, value, id } of readInput(kafka, place, range)) {
    if (value === null) continue;
    const event = value as MillraceEvent;
    const { offset } = record;
    const at = { _topic: range.topic, _partition: range.partition, _offset: offset, _ordinal: 0 };
    const eventId = event.eventId.toLowerCase();
    const row = { ...mapping.row(event as never), ...at, event_id: eventId };
    yield { offset, row, id, eventId, ingestTimeMs: event.ingestTime };
  }
}

/** Hash of a row, the same as ClickHouse computes of it. */
export function contentOf(row: Row, columns: readonly Column[]): HashPair {
  const hash = { a: 0, b: 0 };
  hashText(columns.map((column) => textOf(row, column) + COLUMN_END).join(''), hash);
  return hash;
}

/** A row may leave out what its event does not have: the table fills that in. */
export function textOf(row: Row, { name, type }: Column): string {
  const value = row[name];
  return value === undefined || value === null ? defaultText(type) : cellText(value);
}
