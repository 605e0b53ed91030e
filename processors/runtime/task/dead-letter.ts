import type { LogRecord, ProduceRecord } from '../../../platform/kafka/port.ts';
import { deadLetterTopic, lateTopic, MAX_SIDE_RECORD_BYTES } from '../../../schemas/topics.ts';
import type { Position } from '../topology.ts';

/** Beside the value, a record has a key and headers. */
const MAX_VALUE_BYTES = MAX_SIDE_RECORD_BYTES - 1024 * 1024;
/** Enough to see what it is. */
const CUT_TO_BYTES = 64 * 1024;

/** A record as it was read, with the contract's name of its topic. */
export interface RawRecord extends Position {
  readonly record: LogRecord;
}

export interface SideOutput {
  readonly topicName: (topic: string) => string;
  readonly nowMs: number;
}

/**
 * On the way of a record through a task: reading it, the steps of the topology, writing records, writing rows and values.
 */
export type DeadLetterStep = 'decode' | 'process' | 'produce' | 'sink';

/** What failed, and where. */
export interface Fault {
  readonly code: string;
  readonly reason: string;
  readonly step: DeadLetterStep;
}

/** The window that something came too late for. */
export interface MissedWindow {
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  readonly watermarkMs: number;
  readonly corrected?: boolean;
}

/** The dead letter of a record: original bytes (the beginning of more than 15 MiB) and key; headers say what failed, where and when. */
export function deadLetter(
  raw: RawRecord,
  { subtopology, ...fault }: Fault & { readonly subtopology: string },
  side: SideOutput,
): ProduceRecord {
  const headers = faultHeaders(fault, { attempt: attemptsOf(raw.record) + 1, subtopology });
  return sideRecord(raw, deadLetterTopic(raw.topic), side, headers);
}

export function faultHeaders(
  { code, reason, step }: Fault,
  { attempt, subtopology }: { readonly attempt: number; readonly subtopology: string },
): Record<string, string> {
  return {
    ...{ 'mr-code': code, 'mr-reason': reason, 'mr-step': step, 'mr-subtopology': subtopology },
    'mr-attempt': String(attempt),
  };
}

/** Where a record stands in the log; `topic` is its name there. */
export function originHeaders({ topic, partition, offset }: Position): Record<string, string> {
  return {
    'mr-origin-topic': topic,
    'mr-origin-partition': String(partition),
    'mr-origin-offset': String(offset),
  };
}

/** A late event for `<topic>.late`: original bytes and key; headers name the window that it missed and by how much. */
export function lateRecord(raw: RawRecord, window: MissedWindow, side: SideOutput): ProduceRecord {
  return sideRecord(raw, lateTopic(raw.topic), side, latenessHeaders(window));
}

export function latenessHeaders(window: MissedWindow): Record<string, string> {
  return {
    'mr-window-start': new Date(window.windowStartMs).toISOString(),
    'mr-window-end': new Date(window.windowEndMs).toISOString(),
    'mr-lateness-ms': String(window.watermarkMs - window.windowEndMs),
    'mr-corrected': String(window.corrected ?? false),
  };
}

/**
 * A record for another topic, as it came: original bytes and key, with headers that say where it comes from. It stays in
 * the partition of its number, beside its neighbours; the topic needs at least as many.
 */
export function redirected(raw: RawRecord, topic: string, side: SideOutput): ProduceRecord {
  return sideRecord(raw, topic, side, {});
}

/** A value, as far as every topic takes it: what did not fit would be tried for ever, and nothing else go on. */
export function cutValue(
  value: Buffer | null,
): Pick<ProduceRecord, 'value'> & { headers: Record<string, string> } {
  if (value === null || value.length <= MAX_VALUE_BYTES) return { value, headers: {} };
  return { value: value.subarray(0, CUT_TO_BYTES), headers: { 'mr-cut-from-bytes': String(value.length) } };
}

function sideRecord(
  raw: RawRecord,
  topic: string,
  side: SideOutput,
  headers: Readonly<Record<string, string>>,
): ProduceRecord {
  const { key } = raw.record;
  const text = key?.toString('utf8') ?? null;
  // The key of a foreign record may be no text; the log takes text only, so its bytes go along as a header.
  const isText = key === null || Buffer.from(text ?? '').equals(key);
  const kept = cutValue(raw.record.value);
  return {
    topic: side.topicName(topic),
    key: text,
    // Beside its neighbours, whatever the key is.
    partition: raw.partition,
    value: kept.value,
    timestampMs: side.nowMs,
    headers: {
      ...raw.record.headers,
      ...(isText ? {} : { 'mr-origin-key-base64': key.toString('base64') }),
      ...kept.headers,
      ...headers,
      ...originHeaders({ ...raw, topic: side.topicName(raw.topic) }),
      'mr-origin-timestamp': String(raw.record.timestampMs),
      'mr-time': new Date(side.nowMs).toISOString(),
    },
  };
}

/** How often the record was dead-lettered before: it carries its headers when it is sent again. */
function attemptsOf(record: LogRecord): number {
  const attempts = Number(record.headers['mr-attempt'] ?? 0);
  return Number.isSafeInteger(attempts) && attempts > 0 ? attempts : 0;
}
