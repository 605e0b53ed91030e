import type { Row } from '../platform/clickhouse/port.ts';
import type { MillraceEvent } from '../schemas/generated/events.ts';

/** The columns that every fact table has, but for the place in the log, which the engine adds. */
export function factEnvelope(event: MillraceEvent): Row {
  return {
    event_id: event.eventId,
    event_type: event.type,
    event_time: event.eventTime,
    ingest_time: event.ingestTime,
    source: event.source,
  };
}
