/** Writes one record batch (Kafka message format v2, kafka.apache.org/documentation/#recordbatch), uncompressed. */
import { BATCH_HEADER_BYTES } from './record-batch-reader.ts';
import { crc32c } from './crc32c.ts';
import { ByteWriter, varintLength } from './wire.ts';

/** A record whose partition is settled. */
export interface BatchRecord {
  readonly key: string | Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly timestampMs: number;
}

export interface RecordBatchOptions {
  readonly records: readonly BatchRecord[];
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly transactional: boolean;
}

/** The batch's bytes, with base offset 0: the broker sets the real one. */
export function encodeRecordBatch(options: RecordBatchOptions): Buffer {
  const { records } = options;
  const baseTimestampMs = records[0]?.timestampMs ?? 0;
  const out = new ByteWriter(records.reduce((sum, record) => sum + sizeHint(record), BATCH_HEADER_BYTES));
  out
    .int64(0)
    .int32(0) // length, set below
    .int32(-1) // leader epoch: the broker's
    .int8(2)
    .int32(0) // CRC, set below
    .int16(options.transactional ? 0x10 : 0)
    .int32(records.length - 1)
    .int64(baseTimestampMs)
    .int64(records.reduce((max, record) => Math.max(max, record.timestampMs), baseTimestampMs))
    .int64(options.producerId)
    .int16(options.producerEpoch)
    .int32(options.baseSequence)
    .int32(records.length);
  records.forEach((record, index) => writeRecord(out, record, { index, baseTimestampMs }));
  const bytes = out.finish();
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeUInt32BE(crc32c(bytes, 21), 17);
  return bytes;
}

/** About the record's bytes in a batch; never less. */
export function sizeHint(record: BatchRecord): number {
  const keyBytes = typeof record.key === 'string' ? record.key.length * 3 : (record.key?.length ?? 0);
  let bytes = 40 + keyBytes + (record.value?.length ?? 0);
  for (const name in record.headers) bytes += 20 + 3 * (name.length + (record.headers[name]?.length ?? 0));
  return bytes;
}

function writeRecord(
  out: ByteWriter,
  record: BatchRecord,
  place: { readonly index: number; readonly baseTimestampMs: number },
): void {
  const timestampDelta = record.timestampMs - place.baseTimestampMs;
  const key = typeof record.key === 'string' ? Buffer.from(record.key, 'utf8') : record.key;
  const headers = Object.entries(record.headers ?? {}).map(
    ([name, value]) => [Buffer.from(name, 'utf8'), Buffer.from(value, 'utf8')] as const,
  );
  let length =
    1 +
    varintLength(timestampDelta) +
    varintLength(place.index) +
    bytesLength(key) +
    bytesLength(record.value);
  length += varintLength(headers.length);
  for (const [name, value] of headers) length += bytesLength(name) + bytesLength(value);
  out.varint(length).int8(0).varint(timestampDelta).varint(place.index);
  writeBytes(out, key);
  writeBytes(out, record.value);
  out.varint(headers.length);
  for (const [name, value] of headers) {
    writeBytes(out, name);
    writeBytes(out, value);
  }
}

function bytesLength(bytes: Buffer | null): number {
  return bytes === null ? 1 : varintLength(bytes.length) + bytes.length;
}

function writeBytes(out: ByteWriter, bytes: Buffer | null): void {
  if (bytes === null) out.varint(-1);
  else out.varint(bytes.length).raw(bytes);
}
