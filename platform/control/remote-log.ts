import type { LogReader, PartitionRange } from '../kafka/log-reader.ts';
import type { LogRecord, RecordBatch } from '../kafka/port.ts';
import { askEndpoint } from './control-client.ts';
import type { ControlEndpoint } from './control-endpoint.ts';

const TOPICS = 'log-topics';
const OFFSETS = 'log-offsets';
const RECORDS = 'log-records';

/** A record as JSON: offset, timestamp, key and value in Base64, headers. */
type RecordLine = readonly [
  offset: number,
  timestampMs: number,
  key: string | null,
  value: string | null,
  headers: Readonly<Record<string, string>>,
];
/** A batch as JSON. */
interface BatchLine {
  readonly records: readonly RecordLine[];
  readonly next: number;
  readonly end: number;
}

/** Lets others read the log of the owner of a data folder through its control socket. */
export function logEndpoints(log: LogReader): readonly ControlEndpoint[] {
  return [
    {
      name: TOPICS,
      async *answer() {
        yield await log.topicNames();
      },
    },
    {
      name: OFFSETS,
      async *answer(query) {
        yield [...(await log.offsets(query.getAll('topic')))];
      },
    },
    {
      name: RECORDS,
      async *answer(query) {
        const place = { topic: query.get('topic') ?? '', partition: Number(query.get('partition')) };
        const from = query.get('from');
        const source = from === null ? place : { ...place, fromOffset: Number(from) };
        for await (const batch of log.readToEnd(source)) yield batchLine(batch);
      },
    },
  ];
}

/** The log of the owner of a data folder, read through its control socket. */
export function remoteLog(dataDir: string): LogReader {
  return {
    kind: 'embedded',
    topicNames: () => only<readonly string[]>(dataDir, TOPICS, new URLSearchParams()),
    offsets: async (topics) =>
      new Map(
        await only<readonly (readonly [string, readonly PartitionRange[]])[]>(
          dataDir,
          OFFSETS,
          new URLSearchParams(topics.map((topic): [string, string] => ['topic', topic])),
        ),
      ),
    isSettled: () => Promise.resolve(true), // an embedded log always is
    async *readToEnd({ topic, partition, fromOffset }) {
      const query = new URLSearchParams({ topic, partition: String(partition) });
      if (fromOffset !== undefined) query.set('from', String(fromOffset));
      for await (const line of askEndpoint(dataDir, RECORDS, query)) {
        const { records, next, end } = line as BatchLine;
        yield { topic, partition, records: records.map(recordOf), nextOffset: next, endOffset: end };
      }
    },
  };
}

async function only<T>(dataDir: string, name: string, query: URLSearchParams): Promise<T> {
  const parts: unknown[] = [];
  for await (const part of askEndpoint(dataDir, name, query)) parts.push(part);
  return parts[0] as T;
}

function batchLine({ records, nextOffset, endOffset }: RecordBatch): BatchLine {
  return {
    records: records.map(({ offset, timestampMs, key, value, headers }) => [
      offset,
      timestampMs,
      key?.toString('base64') ?? null,
      value?.toString('base64') ?? null,
      headers,
    ]),
    next: nextOffset,
    end: endOffset,
  };
}

function recordOf([offset, timestampMs, key, value, headers]: RecordLine): LogRecord {
  return { offset, timestampMs, key: bytesOf(key), value: bytesOf(value), headers };
}

function bytesOf(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'base64');
}
