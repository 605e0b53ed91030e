import type { TaskContext } from './runtime/topology.ts';

/** The envelope of an event that one sub-topology sends to another. */
export function internalEnvelope(
  context: TaskContext,
  cause: { eventTime: number; traceparent: string | null },
) {
  return {
    eventId: context.newId(),
    eventTime: cause.eventTime,
    ingestTime: context.now(),
    source: 'millrace',
    traceparent: cause.traceparent,
  };
}
