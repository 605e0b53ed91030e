import { MillraceError } from '../../platform/errors.ts';
import type { LogReader } from '../../platform/kafka/log-reader.ts';
import { findLetterTopics, type LetterTopic } from '../../processors/runtime/dead-letters/read-letters.ts';
import type { Selection } from '../../processors/runtime/dead-letters/select.ts';
import { deadLetterTopic, namespaced } from '../../schemas/topics.ts';
import { usageError } from '../command.ts';
import { didYouMean } from '../nearest.ts';
import { parseDuration } from '../../platform/config.ts';

/** The options that choose letters, as they are given. */
export interface LetterOptions {
  readonly topic: string | undefined;
  readonly partition?: number | undefined;
  readonly offset?: readonly string[];
  readonly key?: string | undefined;
  readonly code: string | undefined;
  readonly since: string | undefined;
}

/**
 * What the options choose.
 * @throws MillraceError MR_DLQ_NOT_FOUND, MR_CLI_USAGE
 */
export async function selectionOf(
  log: LogReader,
  namespace: string,
  options: LetterOptions,
): Promise<Selection> {
  const { topic, partition, offset = [], key, code, since } = options;
  if (offset.length > 0 && (topic === undefined || partition === undefined))
    throw usageError('--offset needs --topic and --partition: offsets count in each partition', 'dlq');
  const offsets = offset.map(offsetOf);
  const found = topic === undefined ? undefined : await letterTopic(log, namespace, topic);
  const range = found?.partitions.find((one) => one.partition === partition);
  if (found !== undefined && partition !== undefined && range === undefined)
    throw notFound(`${found.topic} has ${found.partitions.length} partition(s), and no ${partition}`);
  const missing = offsets.find((one) => range !== undefined && (one < range.start || one >= range.end));
  if (range !== undefined && missing !== undefined)
    throw notFound(
      `there is no letter ${missing} in ${found?.topic ?? ''}/${range.partition}: it has offsets from ${range.start} to below ${range.end}`,
    );
  return {
    ...(found === undefined ? {} : { topics: [found.topic] }),
    ...(partition === undefined ? {} : { partition }),
    ...(offsets.length === 0 ? {} : { offsets }),
    ...(key === undefined ? {} : { key }),
    ...(code === undefined ? {} : { code }),
    ...(since === undefined ? {} : { sinceMs: sinceMs(since, Date.now()) }),
  };
}

/**
 * A topic by its own name or by that of the topic that its letters come from, with the namespace or without.
 * @throws MillraceError MR_DLQ_NOT_FOUND with the nearest name
 */
export async function letterTopic(log: LogReader, namespace: string, name: string): Promise<LetterTopic> {
  const topics = await findLetterTopics(log, namespace);
  const names = [name, deadLetterTopic(name)].flatMap((one) => [one, namespaced(namespace, one)]);
  const found = topics.find(({ topic }) => names.includes(topic));
  if (found !== undefined) return found;
  const hint = didYouMean(
    name,
    topics.map(({ topic }) => topic),
  );
  throw notFound(`no topic of dead letters "${name}"${hint} (there are ${topics.length})`);
}

/** `2026-01-02T03:04:05Z`, or how long ago: `2h`. */
export function sinceMs(text: string, nowMs: number): number {
  const agoMs = parseDuration(text);
  if (agoMs !== null) return nowMs - agoMs;
  const atMs = Date.parse(text);
  if (Number.isNaN(atMs))
    throw usageError(
      `--since needs a time such as 2026-01-02T03:04:05Z, or how long ago: 2h, not "${text}"`,
      'dlq',
    );
  return atMs;
}

export function offsetOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw usageError(`an offset is a whole number, not "${text}"`, 'dlq');
}

export function notFound(message: string): MillraceError {
  return new MillraceError('MR_DLQ_NOT_FOUND', message);
}
