/** Reads what the pipeline has written: with the clients, and with nothing of the processors. */
import type { ClickHouse } from '../../../../platform/clickhouse/port.ts';
import type { Kafka, LogRecord } from '../../../../platform/kafka/port.ts';
import type { MillraceEvent } from '../../../../schemas/generated/events.ts';
import { decodeEvent } from '../../../../schemas/wire-format.ts';
import type { IngestedEvent } from '../../../../ingest/public-event.ts';
import type { Tally } from './findings.ts';
import type { LateRecord } from './lateness.ts';
import type { Table } from './windows.ts';

/** A record with its place. */
export interface Placed {
  readonly partition: number;
  readonly record: LogRecord;
}

/** Every committed record of a topic, in the order of each partition. */
export async function readTopic(kafka: Kafka, topic: string): Promise<readonly Placed[]> {
  const placed: Placed[] = [];
  for (const { partition } of await kafka.admin.offsets(topic))
    for await (const { records } of kafka.readToEnd({ topic, partition }))
      for (const record of records) placed.push({ partition, record });
  return placed;
}

/** Its events; records without a value carry watermarks. */
export async function readEvents(kafka: Kafka, topic: string): Promise<readonly MillraceEvent[]> {
  const placed = await readTopic(kafka, topic);
  return placed.flatMap(({ record }) => (record.value === null ? [] : [decodeEvent(record.value)]));
}

/**
 * Events that came too late. What no event but time has caused stands beside them (`mr-cause`): a payment that was moved to
 * the place of its order after its minute had closed, which the sums of the corrected table show.
 * @param topic of the events, namespace included
 */
export async function readLate(kafka: Kafka, topic: string): Promise<readonly LateRecord[]> {
  const placed = await readTopic(kafka, `${topic}.late`);
  const ofEvents = placed.filter(({ record }) => record.headers['mr-cause'] !== 'time');
  return ofEvents.map(({ record: { value, headers } }) => ({
    event: decodeEvent(value) as IngestedEvent,
    topic,
    windowStartMs: Date.parse(headers['mr-window-start'] ?? ''),
    windowEndMs: Date.parse(headers['mr-window-end'] ?? ''),
    latenessMs: Number(headers['mr-lateness-ms']),
    isCorrected: headers['mr-corrected'] === 'true',
    atMs: Date.parse(headers['mr-time'] ?? ''),
  }));
}

/** How often each eventId is a fact. */
export async function readFacts(clickhouse: ClickHouse, table: string): Promise<Tally> {
  const rows = await clickhouse.query<{ id: string; n: number }>(
    `SELECT toString(event_id) AS id, count() AS n FROM ${table} FINAL GROUP BY event_id`,
  );
  return new Map(rows.map(({ id, n }) => [id, n]));
}

/** The rows of a view by their keys: its first columns, as `keys` says them in SQL. */
export async function readTable(
  clickhouse: ClickHouse,
  from: string,
  { keys, figures }: { readonly keys: readonly string[]; readonly figures: readonly string[] },
): Promise<Table> {
  const key = `arrayStringConcat([${keys.map((column) => `toString(${column})`).join(', ')}], '|')`;
  const rows = await clickhouse.query<{ row_key: string } & Record<string, number>>(
    `SELECT ${key} AS row_key, ${figures.join(', ')} FROM ${from}`,
  );
  return new Map(rows.map(({ row_key, ...row }) => [row_key, row]));
}
