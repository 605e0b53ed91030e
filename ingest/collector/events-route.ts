/** `POST /v1/events`: who may send, what a body may be, which status an answer has. */
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ERROR_CATALOGUE, MillraceError, type ErrorCode } from '../../platform/errors.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { allowOrigin, answerPreflight } from './browser-origin.ts';
import { overloaded, type EventIntake, type IntakeAnswer } from './event-intake.ts';
import { textRule } from './field-rules.ts';
import type { KeyRing } from './key-ring.ts';
import { isPlainObject } from './shape-check.ts';

export interface EventsRouteOptions {
  readonly intake: EventIntake;
  readonly keys: KeyRing;
  readonly maxEvents: number;
  readonly metrics: Metrics;
  readonly allowedOrigins: ReadonlySet<string>;
}

const PATH = '/v1/events';
const JSON_TYPE = 'application/json';
/** What fastify says of a body before it is parsed, in our words. */
const BODY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'MR_INGEST_BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'MR_INGEST_UNSUPPORTED_MEDIA',
  FST_ERR_CTP_EMPTY_TYPE: 'MR_INGEST_UNSUPPORTED_MEDIA',
};

/** Registers the route in a scope of its own: its body parser and errors are not those of other routes. */
export function registerEvents(scope: FastifyInstance, options: EventsRouteOptions): void {
  const { intake, keys, metrics, allowedOrigins } = options;
  const seconds = metrics.histogram('millrace_ingest_request_seconds');

  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(JSON_TYPE, { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    const parsed = parseBody(body);
    if (parsed instanceof MillraceError) done(parsed);
    else done(null, parsed.value);
  });
  scope.setErrorHandler((error) => {
    throw inOurWords(error);
  });
  scope.options(PATH, { schema: { hide: true } }, async (request, reply) =>
    answerPreflight(request, reply, allowedOrigins),
  );
  scope.post(PATH, {
    schema: { summary: 'Sends events', security: [{ bearer: [] }, { apiKey: [] }] },
    // Everything that can be refused before the body is read, is.
    onRequest: async (request, reply) => {
      allowOrigin(request, reply, allowedOrigins);
      keys.authorise(request.headers);
      refuseEncoding(request);
      if (intake.full) throw overloaded();
    },
    onResponse: async (_request, reply) => seconds.observe(reply.elapsedTime / 1000),
    handler: async (request, reply) => takeEvents(request, reply, options),
  });
}

async function takeEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  { intake, maxEvents, metrics }: EventsRouteOptions,
): Promise<FastifyReply> {
  const { events, single } = eventsOf(request.body);
  if (events.length > maxEvents) {
    throw new MillraceError('MR_INGEST_TOO_MANY_EVENTS', `A request may have ${maxEvents} events at most.`);
  }
  const answer = await intake.take(events, traceparentOf(request));
  const count = metrics.counter('millrace_ingest_events_total');
  count.inc({ result: 'accepted' }, answer.accepted);
  count.inc({ result: 'duplicate' }, answer.duplicates);
  count.inc({ result: 'rejected' }, answer.rejected.length);
  const [fault] = answer.rejected;
  if (!single || fault === undefined) return reply.code(statusOf(answer)).send(answer);
  const { code, message, field, eventId } = fault;
  return reply.code(400).send({ error: { code, message, fix: ERROR_CATALOGUE[code].fix, field, eventId } });
}

/** One event, an array, or an object with `events`. */
function eventsOf(body: unknown): { readonly events: readonly unknown[]; readonly single: boolean } {
  if (body === undefined) throw malformed();
  if (Array.isArray(body)) return { events: body, single: false };
  if (!isPlainObject(body) || !('events' in body) || 'type' in body) return { events: [body], single: true };
  if (Array.isArray(body['events'])) return { events: body['events'], single: false };
  throw new MillraceError('MR_INGEST_INVALID_EVENT', 'events needs to be a list');
}

function statusOf(answer: IntakeAnswer): number {
  if (answer.rejected.length === 0) return 202;
  return answer.accepted + answer.duplicates > 0 ? 207 : 400;
}

function parseBody(body: Buffer): MillraceError | { readonly value: unknown } {
  if (!isUtf8(body)) return malformed();
  try {
    return { value: JSON.parse(body.toString('utf8')) };
  } catch {
    // The parser's message quotes the body, which may hold anything.
    return malformed();
  }
}

function malformed(): MillraceError {
  return new MillraceError('MR_INGEST_MALFORMED_JSON', 'The body is no JSON in UTF-8.');
}

function refuseEncoding(request: FastifyRequest): void {
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return;
  throw new MillraceError('MR_INGEST_UNSUPPORTED_MEDIA', 'The body must not have a content-encoding.');
}

function inOurWords(error: unknown): unknown {
  const vendorCode = error instanceof Error && 'code' in error ? String(error.code) : '';
  const code = BODY_CODES[vendorCode];
  return code === undefined ? error : new MillraceError(code, ERROR_CATALOGUE[code].what, { cause: error });
}

/** A header that is no trace context is left aside (W3C Trace Context, section 3.2). */
function traceparentOf(request: FastifyRequest): string | undefined {
  const { traceparent } = request.headers;
  return typeof traceparent === 'string' && textRule('traceparent').pattern?.test(traceparent) === true
    ? traceparent
    : undefined;
}
