import type { LogRecord } from '../../../platform/kafka/port.ts';
import { MAX_EVENT_BYTES } from '../../../schemas/topics.ts';
import { WireFormatError } from '../../../schemas/wire-format.ts';
import { events } from '../codec.ts';
import type { Input } from '../topology.ts';
import type { Head } from './input-queue.ts';
import { watermarkOf } from './watermark-record.ts';

/** Header with the event time of a record whose value does not hold it, epoch ms. */
export const EVENT_TIME_HEADER = 'mr-event-time';

/** Decodes a record as far as its place among the inputs of a task demands: value and event time, or what is wrong. */
export function readHead(record: LogRecord, input: Input): Head {
  const mark = watermarkOf(record);
  if (mark !== undefined) return { kind: 'mark', record, mark };
  const bytes = record.value?.length ?? 0;
  if (bytes > MAX_EVENT_BYTES && isEvents(input)) {
    const reason = `the event has ${bytes} bytes; ${MAX_EVENT_BYTES} are taken at most`;
    return { kind: 'fault', record, code: 'MR_PROCESS_EVENT_TOO_LARGE', reason };
  }
  try {
    const value = decode(record, input);
    const eventTimeMs = eventTimeOf(record, input, value);
    if (Number.isSafeInteger(eventTimeMs)) return { kind: 'value', record, value, eventTimeMs };
    const reason = 'the event time is no whole number of milliseconds';
    return { kind: 'fault', record, code: 'MR_PROCESS_INVALID_EVENT', reason };
  } catch (error) {
    return { kind: 'fault', record, ...faultOf(error, input) };
  }
}

function decode(record: LogRecord, input: Input): unknown {
  const codec = input.codec ?? events;
  if (record.value !== null && record.value.length > 0) return codec.decode(record.value);
  if (input.tombstones === true) return null;
  throw new WireFormatError('empty', 'the record has no value');
}

/** Whether the values of an input are events of the registry. */
export function isEvents(input: Input): boolean {
  return input.codec === undefined || input.codec === (events as unknown);
}

function eventTimeOf(record: LogRecord, input: Input, value: unknown): number {
  if (input.eventTimeOf !== undefined && value !== null) return input.eventTimeOf(value as never);
  if (isEvents(input) && value !== null) return (value as { eventTime: number }).eventTime;
  const header = record.headers[EVENT_TIME_HEADER];
  return header === undefined ? record.timestampMs : Number(header);
}

function faultOf(error: unknown, input: Input) {
  if (error instanceof WireFormatError)
    return {
      code:
        error.fault === 'unknown-schema-id'
          ? ('MR_SCHEMA_UNKNOWN_ID' as const)
          : ('MR_SCHEMA_DECODE' as const),
      reason: error.message,
    };
  // Of the error only its name: the message of a parser may quote the value.
  const name = error instanceof Error ? error.name : 'an error';
  const codec = input.codec?.name ?? events.name;
  return {
    code: 'MR_SCHEMA_DECODE' as const,
    reason: `the value is no ${codec}, or its time cannot be read: ${name}`,
  };
}
