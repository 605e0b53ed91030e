/** Which web pages may send events (CORS, Fetch standard, section 3.2). Not a proof of identity: the key is. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { MillraceError } from '../../platform/errors.ts';

const MAX_AGE_SECONDS = 600;

/** Lets the page read the answer where its origin is allowed. */
export function allowOrigin(
  request: FastifyRequest,
  reply: FastifyReply,
  allowed: ReadonlySet<string>,
): boolean {
  const { origin } = request.headers;
  if (allowed.size > 0) reply.header('vary', 'origin');
  if (origin === undefined || !allowed.has(origin)) return false;
  reply.header('access-control-allow-origin', origin);
  return true;
}

/** Answers the question of a browser before it sends events. @throws MillraceError MR_INGEST_ORIGIN_FORBIDDEN. */
export function answerPreflight(
  request: FastifyRequest,
  reply: FastifyReply,
  allowed: ReadonlySet<string>,
): FastifyReply {
  if (!allowOrigin(request, reply, allowed)) {
    throw new MillraceError('MR_INGEST_ORIGIN_FORBIDDEN', 'Pages of this origin may not send events.');
  }
  return reply
    .code(204)
    .headers({
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'authorization, content-type, traceparent, x-api-key',
      'access-control-max-age': String(MAX_AGE_SECONDS),
    })
    .send();
}
