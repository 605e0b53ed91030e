/** The core of the collector: events of one request in, what became of each of them out. */
import { MillraceError } from '../../platform/errors.ts';
import type { Producer } from '../../platform/kafka/port.ts';
import { takeEvent, toProduceRecord, type PublicEvent } from '../public-event.ts';
import { createAcknowledgedIds } from './acknowledged-ids.ts';
import type { EventFault } from './event-fault.ts';
import { createEventValidator } from './event-validator.ts';
import { isPlainObject, parseUuid } from './shape-check.ts';

export interface RejectedEvent extends EventFault {
  /** Place in the request, from 0. */
  readonly index: number;
  /** Absent where the event has no valid one. */
  readonly eventId?: string;
}

export interface IntakeAnswer {
  /** Events that Kafka acknowledged. */
  readonly accepted: number;
  /** Events that had been acknowledged before; they are safe and were not written again. */
  readonly duplicates: number;
  readonly rejected: readonly RejectedEvent[];
}

export interface EventIntakeOptions {
  readonly producer: Producer;
  readonly namespace: string;
  readonly now: () => number;
  /** Events that may wait for Kafka at once; a request beyond it is refused unless nothing waits. */
  readonly maxInFlightEvents: number;
  /** Acknowledged eventIds that are remembered, at least. */
  readonly rememberedIds: number;
}

export interface EventIntake {
  /**
   * Validates the events and publishes the valid ones; resolves when Kafka has acknowledged all of those.
   * `traceparent` is given to events without one of their own.
   * @throws MillraceError MR_INGEST_OVERLOADED before anything was published; the producer's error when Kafka did not
   * acknowledge, and then no event counts as acknowledged.
   */
  take(events: readonly unknown[], traceparent: string | undefined): Promise<IntakeAnswer>;
  /** True while no further event would be taken: refuses a request before its body is read. */
  readonly full: boolean;
}

interface Sorted {
  readonly valid: readonly PublicEvent[];
  readonly duplicates: number;
  readonly rejected: readonly RejectedEvent[];
}

export function createEventIntake(options: EventIntakeOptions): EventIntake {
  const { producer, namespace, now, maxInFlightEvents } = options;
  const validate = createEventValidator();
  const acknowledged = createAcknowledgedIds(options.rememberedIds);
  let inFlight = 0;

  function sort(events: readonly unknown[]): Sorted {
    const nowMs = now();
    const seen = new Set<string>();
    const valid: PublicEvent[] = [];
    const rejected: RejectedEvent[] = [];
    let duplicates = 0;
    for (const [index, given] of events.entries()) {
      const validated = validate(given, nowMs);
      if (!validated.ok) {
        rejected.push(rejection(index, given, validated.fault));
      } else if (seen.has(validated.event.eventId)) {
        rejected.push(rejection(index, given, REPEATED));
      } else {
        seen.add(validated.event.eventId);
        if (acknowledged.has(validated.event.eventId)) duplicates++;
        else valid.push(validated.event);
      }
    }
    return { valid, duplicates, rejected };
  }

  async function publish(events: readonly PublicEvent[], traceparent: string | undefined): Promise<void> {
    if (events.length === 0) return;
    const ingestTime = now();
    const records = events.map((event) =>
      toProduceRecord(takeEvent(traced(event, traceparent), ingestTime), namespace),
    );
    inFlight += records.length;
    try {
      await producer.send(records);
    } finally {
      inFlight -= records.length;
    }
    for (const event of events) acknowledged.add(event.eventId);
  }

  return {
    get full() {
      return inFlight >= maxInFlightEvents;
    },
    async take(events, traceparent) {
      if (inFlight > 0 && inFlight + events.length > maxInFlightEvents) throw overloaded();
      const { valid, duplicates, rejected } = sort(events);
      await publish(valid, traceparent);
      return { accepted: valid.length, duplicates, rejected };
    },
  };
}

/** The refusal of a request that comes while too many events wait. */
export function overloaded(): MillraceError {
  return new MillraceError('MR_INGEST_OVERLOADED', 'Too many events wait for Kafka; nothing was taken.');
}

const REPEATED: EventFault = {
  code: 'MR_INGEST_DUPLICATE_ID',
  field: 'eventId',
  message: 'eventId occurs earlier in this request',
};

function rejection(index: number, given: unknown, fault: EventFault): RejectedEvent {
  const eventId = isPlainObject(given) ? parseUuid(given['eventId']) : undefined;
  return { index, ...(eventId === undefined ? {} : { eventId }), ...fault };
}

function traced(event: PublicEvent, traceparent: string | undefined): PublicEvent {
  return event.traceparent === null && traceparent !== undefined ? { ...event, traceparent } : event;
}
