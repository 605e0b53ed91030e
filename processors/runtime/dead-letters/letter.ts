import type { LogRecord, TopicPartition } from '../../../platform/kafka/port.ts';

/** Where a redrive sends what a letter holds. */
export type Target =
  | {
      readonly kind: 'topic';
      /** Name in the log. */
      readonly topic: string;
      /** By the key where absent. */
      readonly partition: number | undefined;
    }
  | { readonly kind: 'table'; readonly table: string };

/** Where the record stood that a letter holds or is about; `topic` is its name in the log. */
export interface Origin extends TopicPartition {
  readonly offset: number;
}

/** A dead letter without what it holds: letters may be many, and of 15 MiB each. */
export interface LetterHead extends TopicPartition {
  readonly offset: number;
  /** When it was put aside, epoch ms. */
  readonly timestampMs: number;
  readonly code: string | null;
  readonly step: string | null;
  readonly subtopology: string | null;
  readonly reason: string | null;
  /** How often what it holds was put aside, this time included; 0 where that is not said. */
  readonly attempt: number;
  readonly origin: Origin | undefined;
  /** Key of what it holds, byte for byte. */
  readonly key: Buffer | null;
  readonly target: Target | undefined;
  /** Why it can never be sent again as it is; undefined where it can. */
  readonly obstacle: string | undefined;
}

/** Reads the headers of a dead letter. Whatever they hold: a letter that others wrote is shown, and never sent. */
export function letterHead({ topic, partition }: TopicPartition, record: LogRecord): LetterHead {
  const { headers, offset, timestampMs } = record;
  const origin = originOf(headers);
  const target = targetOf(headers, origin);
  const attempt = wholeNumber(headers['mr-attempt']) ?? 0;
  return {
    ...{ topic, partition, offset, timestampMs, origin, target, attempt },
    code: headers['mr-code'] ?? null,
    step: headers['mr-step'] ?? null,
    subtopology: headers['mr-subtopology'] ?? null,
    reason: headers['mr-reason'] ?? null,
    key: keyOf(record),
    obstacle: obstacleOf(record, target),
  };
}

/** `shop.orders.dlq/3/42`: names a letter. */
export function letterId({
  topic,
  partition,
  offset,
}: Pick<LetterHead, 'topic' | 'partition' | 'offset'>): string {
  return `${topic}/${partition}/${offset}`;
}

function originOf(headers: LogRecord['headers']): Origin | undefined {
  const topic = headers['mr-origin-topic'];
  const partition = wholeNumber(headers['mr-origin-partition']);
  const offset = wholeNumber(headers['mr-origin-offset']);
  if (topic === undefined || topic === '' || partition === undefined || offset === undefined)
    return undefined;
  return { topic, partition, offset };
}

function targetOf(headers: LogRecord['headers'], origin: Origin | undefined): Target | undefined {
  const topic = headers['mr-target-topic'];
  const table = headers['mr-target-table'];
  if (topic !== undefined)
    return { kind: 'topic', topic, partition: wholeNumber(headers['mr-target-partition']) };
  if (table !== undefined) return { kind: 'table', table };
  if (origin === undefined || headers['mr-target-key'] !== undefined) return undefined;
  return { kind: 'topic', topic: origin.topic, partition: origin.partition };
}

function obstacleOf({ headers, value }: LogRecord, target: Target | undefined): string | undefined {
  const cut = headers['mr-cut-from-bytes'];
  if (cut !== undefined) return `only the beginning of its ${cut} bytes is here`;
  if (headers['mr-target-key'] !== undefined)
    return 'it is a value of the online store, which its next change says anew';
  if (target?.kind === 'table' && value === null) return 'it holds no row';
  if (target !== undefined) return undefined;
  if (headers['mr-cause'] === 'time')
    return 'no record has brought it: it is the result of a window or a timer';
  return 'its headers do not say where it came from';
}

function keyOf({ key, headers }: LogRecord): Buffer | null {
  const base64 = headers['mr-origin-key-base64'];
  return base64 === undefined ? key : Buffer.from(base64, 'base64');
}

function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,15}$/.test(text)) return undefined;
  return Number(text);
}
