import type { Row } from '../../../platform/clickhouse/port.ts';
import type { ProduceRecord } from '../../../platform/kafka/port.ts';
import { deadLetterTopic } from '../../../schemas/topics.ts';
import { cutValue, faultHeaders, originHeaders, type Fault, type SideOutput } from './dead-letter.ts';
import type { Cause } from './task-outputs.ts';

/** Something that a task said, and that what it is for refuses for good. */
export type Refusal =
  | {
      readonly kind: 'record';
      readonly record: ProduceRecord;
      readonly cause: Cause;
      readonly reason: string;
    }
  | { readonly kind: 'row'; readonly table: string; readonly row: Row; readonly reason: string }
  | {
      readonly kind: 'online';
      readonly key: string;
      readonly value: string | null;
      readonly reason: string;
    };

/** A refusal and its dead letter. */
export interface PutAside {
  readonly refusal: Refusal;
  readonly letter: ProduceRecord;
}

/** Beside what, and by whom. */
export interface RefusalPlace {
  readonly subtopology: string;
  /** Contract name of the topic beside which results of the task are put aside. */
  readonly firstInput: string;
  readonly partition: number;
}

const MAX_KEY_CHARACTERS = 1024;

/**
 * The dead letter of something that was refused, alone: what the task did beside saying it stands, so it can be said
 * again as it is when its target takes it.
 */
export function refusalLetter(refusal: Refusal, place: RefusalPlace, side: SideOutput): ProduceRecord {
  const { key, value, headers } = contentOf(refusal);
  const kept = cutValue(value);
  return {
    topic: side.topicName(deadLetterTopic(place.firstInput)),
    partition: place.partition,
    key,
    value: kept.value,
    timestampMs: side.nowMs,
    headers: {
      ...headers,
      ...kept.headers,
      ...faultHeaders(faultOf(refusal), { attempt: 1, subtopology: place.subtopology }),
      ...causeHeaders(refusal, place, side),
      'mr-time': new Date(side.nowMs).toISOString(),
    },
  };
}

function faultOf({ kind, reason }: Refusal): Fault {
  switch (kind) {
    case 'record':
      return { code: 'MR_KAFKA_RECORD_REFUSED', step: 'produce', reason };
    case 'row':
      return { code: 'MR_CLICKHOUSE_ROW_REFUSED', step: 'sink', reason };
    case 'online':
      return { code: 'MR_ONLINE_STORE_FAILED', step: 'sink', reason };
  }
}

function contentOf(refusal: Refusal): Pick<ProduceRecord, 'key' | 'value'> & {
  readonly headers: Readonly<Record<string, string>>;
} {
  switch (refusal.kind) {
    case 'record': {
      const { topic, partition, key, value, headers } = refusal.record;
      const to = partition === undefined ? {} : { 'mr-target-partition': String(partition) };
      return { key, value, headers: { ...headers, 'mr-target-topic': topic, ...to } };
    }
    case 'row': {
      const value = Buffer.from(rowText(refusal.row));
      return { key: null, value, headers: { 'mr-target-table': refusal.table } };
    }
    case 'online': {
      const value = refusal.value === null ? null : Buffer.from(refusal.value);
      // The key may be what was refused, for its length.
      return {
        ...{ key: null, value },
        headers: { 'mr-target-key': refusal.key.slice(0, MAX_KEY_CHARACTERS) },
      };
    }
  }
}

function causeHeaders(refusal: Refusal, { partition }: RefusalPlace, side: SideOutput) {
  if (refusal.kind === 'online') return {};
  if (refusal.kind === 'row') return factOrigin(refusal.row);
  const { cause } = refusal;
  if (cause.kind !== 'record') return { 'mr-cause': 'time' };
  return originHeaders({ ...cause, topic: side.topicName(cause.topic), partition });
}

/** A fact carries its place in the log; a result of a window is of many records. */
function factOrigin(row: Row): Record<string, string> {
  const [topic, partition, offset] = [row['_topic'], row['_partition'], row['_offset']];
  if (typeof topic !== 'string' || typeof partition !== 'number' || typeof offset !== 'number')
    return { 'mr-cause': 'time' };
  return originHeaders({ topic, partition, offset });
}

/** A row as ClickHouse is sent it: what JSON has no number for goes as text. */
function rowText(row: Row): string {
  return JSON.stringify(row, (_name, value: unknown) => {
    if (typeof value === 'bigint') return value.toString();
    return typeof value === 'number' && !Number.isFinite(value) ? String(value).toLowerCase() : value;
  });
}
