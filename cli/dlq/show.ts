import { isUtf8 } from 'node:buffer';
import type { LogReader } from '../../platform/kafka/log-reader.ts';
import type { LogRecord } from '../../platform/kafka/port.ts';
import type { LetterHead } from '../../processors/runtime/dead-letters/letter.ts';
import { masked, maskedText } from '../../processors/runtime/dead-letters/masked.ts';
import { readLetters, type ReadLetter } from '../../processors/runtime/dead-letters/read-letters.ts';
import { isMarked, readMarks } from '../../processors/runtime/dead-letters/marks.ts';
import { WireFormatError, decodeEvent } from '../../schemas/wire-format.ts';
import { usageError } from '../command.ts';
import { letterJson } from './list.ts';
import { letterTopic, notFound, offsetOf } from './open-letters.ts';

export type Raw = 'hex' | 'base64';

export interface ShowOptions {
  /** `<topic>/<partition>/<offset>` */
  readonly id: string;
  /** Bytes as they are, instead of what they say. */
  readonly raw: Raw | undefined;
  /** Personal data as well. */
  readonly reveal: boolean;
}

/**
 * One letter with what it holds; personal data is masked unless asked for, and raw bytes are all there is.
 * @throws MillraceError MR_DLQ_NOT_FOUND, MR_CLI_USAGE
 */
export async function showLetter(log: LogReader, namespace: string, options: ShowOptions) {
  const { letter, record } = await findLetter(log, namespace, options.id);
  const isRedriven = isMarked(await readMarks(log, namespace), letter);
  return {
    ...letterJson(letter),
    redriven: isRedriven,
    key: keyText(letter, options),
    headers: headersOf(record, options),
    bytes: record.value?.length ?? null,
    value: valueOf(record, options),
  };
}

async function findLetter(log: LogReader, namespace: string, id: string): Promise<ReadLetter> {
  const [, name, part, at] = /^(.+)\/([^/]+)\/([^/]+)$/.exec(id) ?? [];
  if (name === undefined || part === undefined || at === undefined)
    throw usageError(`a letter is <topic>/<partition>/<offset>, not "${id}"`, 'dlq');
  const { topic, partitions } = await letterTopic(log, namespace, name);
  const [partition, offset] = [offsetOf(part), offsetOf(at)];
  const range = partitions.find((one) => one.partition === partition);
  if (range === undefined)
    throw notFound(`${topic} has ${partitions.length} partition(s), and no ${partition}`);
  const { start, end } = range;
  const place = { topic, partition, start: offset, end: offset + 1 };
  if (offset >= start && offset < end) for await (const found of readLetters(log, place)) return found;
  throw notFound(
    `there is no letter ${offset} in ${topic}/${partition}: it has offsets from ${start} to below ${end}`,
  );
}

function keyText({ key }: LetterHead, { raw, reveal }: ShowOptions): string | null {
  if (key === null) return null;
  if (raw !== undefined) return key.toString(raw);
  const text = isUtf8(key) ? key.toString() : key.toString('hex');
  return reveal ? text : maskedText(text);
}

/** Those of the contract tell no person; those that the record came with may. */
function headersOf({ headers }: LogRecord, { raw, reveal }: ShowOptions): Readonly<Record<string, string>> {
  if (reveal || raw !== undefined) return headers;
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      name.startsWith('mr-') && name !== 'mr-target-key' && name !== 'mr-origin-key-base64'
        ? value
        : maskedText(value),
    ]),
  );
}

function valueOf({ value }: LogRecord, { raw, reveal }: ShowOptions): unknown {
  if (value === null) return null;
  if (raw !== undefined) return value.toString(raw);
  const decoded = decode(value);
  if (decoded === undefined) return { undecoded: `${value.length} bytes; --raw hex shows them` };
  return reveal ? decoded : masked(decoded);
}

/** Undefined for what is neither an event of the registry nor JSON. */
function decode(value: Buffer): unknown {
  try {
    return decodeEvent(value);
  } catch (error) {
    if (!(error instanceof WireFormatError)) throw error;
  }
  if (!isUtf8(value)) return undefined;
  try {
    const parsed = JSON.parse(value.toString()) as unknown;
    return typeof parsed === 'object' ? parsed : undefined;
  } catch {
    return undefined; // text that is no JSON may hold anything: it is bytes to us
  }
}
