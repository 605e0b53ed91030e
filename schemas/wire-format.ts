/**
 * Confluent wire format: byte 0, the schema id as a 32-bit big-endian number, then the Avro body. A record is read with
 * the schema that wrote it and resolved to the newest version that this code knows.
 */
import { latestSchema, SCHEMAS, type RegisteredSchema } from './registry.ts';
import type { Type } from 'avsc';
import type { EventOf, MillraceEvent, RecordName } from './generated/events.ts';

const HEADER_BYTES = 5;

/**
 * Largest magnitude of a long that survives: avsc zigzags in doubles and silently changes numbers from 2^52 on. Every
 * edge that takes amounts or times checks it.
 */
export const MAX_SAFE_LONG: number = 2 ** 52 - 1;

/** Why bytes are no event. */
export type DecodeFault = 'empty' | 'not-wire-format' | 'unknown-schema-id' | 'corrupt';

export class WireFormatError extends Error {
  override readonly name = 'WireFormatError';
  readonly fault: DecodeFault;
  readonly schemaId: number | undefined;
  constructor(fault: DecodeFault, message: string, options: { schemaId?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.fault = fault;
    this.schemaId = options.schemaId;
  }
}

type Reader = (body: Buffer) => MillraceEvent;

const readers = new Map<number, Reader>(SCHEMAS.map((entry) => [entry.id, readerOf(entry)]));
const writers = new Map<string, RegisteredSchema>(
  [...new Set(SCHEMAS.map((entry) => entry.record))].map((record) => [record, latestSchema(record)]),
);

function readerOf(entry: RegisteredSchema): Reader {
  const latest = latestSchema(entry.record);
  const resolver = latest.id === entry.id ? undefined : latest.type.createResolver(entry.type);
  const type: Type = latest.type;
  return (body) => {
    const value = (resolver === undefined ? type.fromBuffer(body) : type.fromBuffer(body, resolver)) as {
      type?: string;
    };
    value.type = entry.record;
    return value as MillraceEvent;
  };
}

/** Bytes of an event, by the newest version of its record. Throws avsc's error where a field does not fit. */
export function encodeEvent(event: MillraceEvent): Buffer {
  const writer = writers.get(event.type);
  if (writer === undefined) throw new Error(`no schema for record ${event.type}`);
  const body = writer.type.toBuffer(event);
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  bytes[0] = 0;
  bytes.writeInt32BE(writer.id, 1);
  body.copy(bytes, HEADER_BYTES);
  return bytes;
}

/**
 * The event of a record's value.
 * @throws WireFormatError saying what is wrong with the bytes.
 */
export function decodeEvent(bytes: Buffer | null): MillraceEvent {
  if (bytes === null || bytes.length === 0) throw new WireFormatError('empty', 'the record has no value');
  if (bytes[0] !== 0 || bytes.length < HEADER_BYTES) {
    throw new WireFormatError('not-wire-format', 'the value does not start with a schema id');
  }
  const schemaId = bytes.readInt32BE(1);
  const reader = readers.get(schemaId);
  if (reader === undefined) {
    throw new WireFormatError('unknown-schema-id', `schema id ${schemaId} is not in the registry`, {
      schemaId,
    });
  }
  try {
    return reader(bytes.subarray(HEADER_BYTES));
  } catch (cause) {
    throw new WireFormatError('corrupt', `the value is no record of schema ${schemaId}`, { schemaId, cause });
  }
}

/** {@link decodeEvent} where the record must be of a certain type. */
export function isRecord<Name extends RecordName>(event: MillraceEvent, name: Name): event is EventOf<Name> {
  return event.type === name;
}
