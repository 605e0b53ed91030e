/** Which events may have missed their minute, and which must have. */
import type { IngestedEvent } from '../../../../ingest/public-event.ts';
import type { Acknowledged } from '../acknowledgements.ts';
import type { Findings } from './findings.ts';

/** A record of `<topic>.late`. */
export interface LateRecord {
  readonly event: IngestedEvent;
  /** Of the topic that it came from. */
  readonly topic: string;
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  readonly latenessMs: number;
  /** Whether its window was corrected, and so has it after all. */
  readonly isCorrected: boolean;
  /** When it was put aside, by the clock of the processor. */
  readonly atMs: number;
}

export interface TimeSettings {
  readonly graceMs: number;
  readonly outOfOrderMs: number;
}

const MINUTE_MS = 60_000;

/** eventIds that are in no minute of the tables that take no corrections. */
export function missedMinutes(late: readonly LateRecord[]): ReadonlySet<string> {
  return new Set(
    late
      .filter(
        ({ isCorrected, windowStartMs, windowEndMs }) =>
          !isCorrected && windowEndMs - windowStartMs === MINUTE_MS,
      )
      .map(({ event }) => event.eventId),
  );
}

/** Holds each late record against what its headers say: its window had closed, and by no more than time allows. */
export function checkLateRecords(
  findings: Findings,
  late: readonly LateRecord[],
  { graceMs }: TimeSettings,
): void {
  for (const { event, topic, windowStartMs, windowEndMs, latenessMs, atMs } of late) {
    const says = `${event.eventId} on ${topic}.late`;
    const { eventTime } = event;
    if (eventTime < windowStartMs || eventTime >= windowEndMs)
      findings.add('wrong-lateness', `${says}: ${eventTime} is not in the window from ${windowStartMs}`);
    if (latenessMs < graceMs)
      findings.add('wrong-lateness', `${says}: late by ${latenessMs} ms, which the grace allows`);
    if (latenessMs + windowEndMs > atMs)
      findings.add('wrong-lateness', `${says}: the watermark was ahead of the clock (${atMs})`);
  }
}

/**
 * Clicks that must have missed their minute: behind records of their own partition that had moved the watermark past it.
 * Only those whose first copy is known for certain; the watermark may be later than this, never earlier.
 */
export function mustBeLate(
  copies: readonly Acknowledged[],
  events: ReadonlyMap<string, IngestedEvent>,
  { graceMs, outOfOrderMs }: TimeSettings,
): readonly string[] {
  const late: string[] = [];
  const seen = new Set<string>();
  const newest = new Map<number, number>();
  for (const { id, partition, isRepeated } of [...copies].sort((a, b) => a.offset - b.offset)) {
    const event = events.get(id);
    if (event === undefined) continue;
    const newestMs = newest.get(partition) ?? Number.NEGATIVE_INFINITY;
    const endMs = (Math.floor(event.eventTime / MINUTE_MS) + 1) * MINUTE_MS;
    const isFirst = !seen.has(id) && isRepeated !== true;
    if (isFirst && isInMinutes(event) && endMs + graceMs <= newestMs - outOfOrderMs) late.push(id);
    seen.add(id);
    newest.set(partition, Math.max(newestMs, event.eventTime));
  }
  return late;
}

/** Events that open or change a minute of the shop. */
function isInMinutes(event: IngestedEvent): boolean {
  return 'bot' in event && !event.bot && !event.internal && event.type !== 'RecommendationImpressed';
}
