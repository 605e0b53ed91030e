/** What the events of every replay have in common. */
import { hash } from 'node:crypto';
import { MillraceError } from '../../platform/errors.ts';
import type { PublicEvent } from '../public-event.ts';
import { uuidV7 } from '../../platform/uuid-v7.ts';

/** Events in one batch of a source, and records in one request to Kafka. */
export const BATCH_EVENTS = 5000;

/** Told of each bad row (MR_REPLAY_BAD_ROW, with the line number); throws it to give up, returns to go on. */
export type OnBadRow = (error: MillraceError) => void;

/**
 * The events of a source in the order of their event times, in batches of up to {@link BATCH_EVENTS}. The same file
 * gives the same events with the same eventIds each time.
 * @throws MillraceError MR_REPLAY_UNREADABLE, and whatever `onBadRow` throws.
 */
export type ReadBatches = (onBadRow: OnBadRow) => AsyncIterable<readonly PublicEvent[]>;

/**
 * The eventId of an event of a source: a UUIDv7 whose random bits are a SHA-256 of source and row, so that a second
 * replay of the same file is dropped as duplicates.
 */
export function replayEventId(source: string, row: string, eventTimeMs: number): string {
  return uuidV7(eventTimeMs, hash('sha256', `${source}\n${row}`, 'buffer'));
}

/** A row that is not what the source promises. `says` must not repeat the row. */
export function badRow(path: string, line: number, says: string): MillraceError {
  return new MillraceError('MR_REPLAY_BAD_ROW', `${path}, line ${line}: ${says}`, {
    context: { path, line },
  });
}
