/**
 * The producer's own book: what it was about to send, then what Kafka acknowledged, each a line that the kernel keeps
 * when the process is killed. The oracle reads this book and not the topics.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IngestedEvent } from '../../../ingest/public-event.ts';

/** A record that the producer decided on, written down before it is sent for the first time. */
export interface Intended {
  /** eventId, or the name of a record that is no event. */
  readonly id: string;
  /** Absent for a record that no reader can decode. */
  readonly event?: IngestedEvent;
  /** Of a record that is no event: its value, and the key of the partition that it goes to. */
  readonly poison?: { readonly key: string; readonly text: string };
  /** Sent long after it happened, on purpose. */
  readonly isLate?: boolean;
}

/** A copy of a record that Kafka acknowledged; a duplicate has a line of its own. */
export interface Acknowledged {
  readonly id: string;
  /** Namespace included. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Sent before without an answer: another copy may be in front of this one. */
  readonly isRepeated?: boolean;
}

export interface Book {
  readonly intended: readonly Intended[];
  readonly acknowledged: readonly Acknowledged[];
}

const NEW_LINE = 10;

const intendedFile = (dir: string) => join(dir, 'intended.ndjson');
const acknowledgedFile = (dir: string) => join(dir, 'acknowledged.ndjson');

export function noteIntended(dir: string, records: readonly Intended[]): void {
  append(intendedFile(dir), records);
}

export function noteAcknowledged(dir: string, copies: readonly Acknowledged[]): void {
  append(acknowledgedFile(dir), copies);
}

/** Everything that was noted so far. A line that a kill has torn was never acted on: it is passed over. */
export function readBook(dir: string): Book {
  return {
    intended: lines(intendedFile(dir)) as readonly Intended[],
    acknowledged: lines(acknowledgedFile(dir)) as readonly Acknowledged[],
  };
}

/** How many copies were acknowledged so far. */
export function countAcknowledged(dir: string): number {
  const file = acknowledgedFile(dir);
  if (!existsSync(file)) return 0;
  let lines = 0;
  for (const byte of readFileSync(file)) if (byte === NEW_LINE) lines += 1;
  return lines;
}

/** Begins a line of its own, in case the last one was torn. */
export function closeTornLines(dir: string): void {
  for (const file of [intendedFile(dir), acknowledgedFile(dir)])
    if (existsSync(file) && !readFileSync(file, 'utf8').endsWith('\n')) appendFileSync(file, '\n');
}

function append(file: string, values: readonly object[]): void {
  if (values.length === 0) return;
  appendFileSync(file, values.map((value) => `${JSON.stringify(value)}\n`).join(''));
}

function lines(file: string): readonly unknown[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return line === '' ? [] : [JSON.parse(line) as unknown];
      } catch {
        return []; // Torn by a kill in the middle of the call.
      }
    });
}
