import type { Meta, NodeContext } from './runtime/dsl/index.ts';

/** The envelope of an event that one sub-topology sends to another. */
export function internalEnvelope(
  context: NodeContext,
  cause: { readonly eventTime: number; readonly traceparent: string | null },
) {
  return {
    eventId: context.newId(),
    eventTime: cause.eventTime,
    ingestTime: context.now(),
    source: 'millrace',
    traceparent: cause.traceparent,
  };
}

/** Goes along with an internal event: each has a key of its own by the contract of its topic. */
export function internalMeta(event: { readonly eventTime: number; readonly ingestTime: number }): Meta {
  return { key: null, eventTimeMs: event.eventTime, ingestTimeMs: event.ingestTime, position: undefined };
}
