import type { Kafka, LogRecord } from '../../../platform/kafka/port.ts';
import { readHead } from '../task/read-head.ts';
import { isIdentified } from '../task/read-identity.ts';
import type { Input } from '../topology.ts';
import { hashUuid, type HashPair } from './hash-pair.ts';
import { placeId } from './task-account.ts';

/** A record of an input as an auditor reads it, by itself. */
export interface ReadInput {
  readonly record: LogRecord;
  /** Null where it cannot be read, and for marks of time and tombstones. */
  readonly value: unknown;
  /** Hash of the id by which its task counts it. */
  readonly id: HashPair;
}

/** Reads what is there of a range of an input, committed records only. */
export async function* readInput(
  kafka: Pick<Kafka, 'readToEnd'>,
  place: { readonly name: string; readonly input: Input; readonly partition: number },
  range: { readonly from: number; readonly to: number },
): AsyncGenerator<ReadInput, undefined> {
  const uuid = new Uint32Array(4);
  if (range.from >= range.to) return;
  const source = { topic: place.name, partition: place.partition, fromOffset: range.from };
  for await (const { records, nextOffset } of kafka.readToEnd(source)) {
    for (const record of records) {
      if (record.offset < range.from || record.offset >= range.to) continue;
      const head = readHead(record, place.input);
      const id = { a: 0, b: 0 };
      hashUuid(isIdentified(place.input, head, uuid) ? uuid : placeId(record.offset), id);
      yield { record, value: head.kind === 'value' ? head.value : null, id };
    }
    if (nextOffset >= range.to) return;
  }
}
