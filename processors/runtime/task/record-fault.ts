import type { ErrorCode } from '../../../platform/errors.ts';
import { parseUuid } from './event-id-set.ts';

/** Events further ahead of their ingest time, or of the clock, are wrong clocks: they never move the watermark. */
const FUTURE_LIMIT_MS = 5 * 60_000;

export interface ReadRecord {
  /** Null for a tombstone. */
  readonly value: unknown;
  readonly eventTimeMs: number;
  /** Of the log. */
  readonly ingestTimeMs: number;
  readonly isEvent: boolean;
  /** Whether others than tasks of this application write its topic. */
  readonly isOutside: boolean;
  /** Clock, epoch ms. */
  readonly nowMs: number;
  /** Takes the id of an event. */
  readonly uuid: Uint32Array;
}

/** What is wrong with a record that could be read, but that no step and no table can take. Leaves its id in `uuid`. */
export function recordFault(
  record: ReadRecord,
): { readonly code: ErrorCode; readonly reason: string } | undefined {
  const { value, eventTimeMs, ingestTimeMs, nowMs, isEvent, isOutside, uuid } = record;
  const knownMs = Math.min(ingestTimeMs, nowMs);
  if ((isOutside || isEvent) && eventTimeMs > knownMs + FUTURE_LIMIT_MS) {
    const reason = 'the event time is beyond the ingest time by more than 5 minutes';
    return { code: 'MR_PROCESS_FUTURE_EVENT', reason };
  }
  if (eventTimeMs < 0 || ingestTimeMs < 0)
    return { code: 'MR_PROCESS_INVALID_EVENT', reason: 'a time is before 1970' };
  if (!isEvent || value === null) return undefined;
  const { eventId, ingestTime } = value as { eventId: string; ingestTime: number };
  if (parseUuid(eventId, uuid) && ingestTime >= 0) return undefined;
  const reason = 'the eventId is no UUID, or a time is before 1970';
  return { code: 'MR_PROCESS_INVALID_EVENT', reason };
}
