import { randomUUID } from 'node:crypto';
import fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { ERROR_CATALOGUE, MillraceError, errorText, type ErrorCode } from '../errors.ts';
import type { Logger } from '../log.ts';
import { toHttpError } from './http-error.ts';

export interface HttpServerOptions {
  /** Name in the log: `ingest`, `serving`. */
  readonly name: string;
  readonly log: Logger;
  /** Bytes; 1,048,576 where absent. */
  readonly bodyLimit?: number;
}

/** The body of every error answer. */
export interface ErrorBody {
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly fix: string };
}

const REQUEST_TIMEOUT_MS = 30_000;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** Headers of every answer; a route that serves pages sets its own content security policy. */
const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
} as const;

/**
 * A fastify server with what all of ours share: errors as {@link ErrorBody} with a stable code, a request id in and
 * out, security headers, and a log without requests' contents (what happens for each request is a metric).
 */
export function createHttpServer({ name, log, bodyLimit }: HttpServerOptions): FastifyInstance {
  const logger: FastifyBaseLogger = log.child({ server: name });
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestId,
    requestTimeout: REQUEST_TIMEOUT_MS,
    ...(bodyLimit === undefined ? {} : { bodyLimit }),
    // Unknown fields are refused where a schema says so, never removed behind the client's back.
    ajv: { customOptions: { removeAdditional: false } },
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id).headers(SECURITY_HEADERS);
  });
  app.setNotFoundHandler((request, reply) => {
    sendError(
      request,
      reply,
      new MillraceError('MR_HTTP_NOT_FOUND', `There is nothing at ${request.method} ${pathOf(request)}`),
    );
  });
  app.setErrorHandler((error, request, reply) => {
    sendError(request, reply, error);
  });
  return app;
}

/** Answers an error. Below 500 the client sees the message; from 500 on only what the catalogue says. */
function sendError(request: FastifyRequest, reply: FastifyReply, error: unknown): void {
  const { code, status, message } = toHttpError(error);
  if (status >= 500) {
    request.log.error(
      {
        requestId: request.id,
        route: request.routeOptions.url,
        code,
        error: errorText(error),
        stack: stackOf(error),
      },
      'a request failed; the code says what to do',
    );
  }
  if (status === 503 || status === 429) reply.header('retry-after', '1');
  const body: ErrorBody = { error: { code, message, fix: ERROR_CATALOGUE[code].fix } };
  void reply.code(status).type('application/json; charset=utf-8').send(body);
}

/** Where an unknown error comes from; ours say it by their code. */
function stackOf(error: unknown): string | undefined {
  return error instanceof MillraceError || !(error instanceof Error) ? undefined : error.stack;
}

/** The id that a proxy or client gave, where it is harmless in a log; else a new one. */
function requestId(request: { headers: Record<string, string | string[] | undefined> }): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

/** Without the query, which may hold personal data. */
function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '/';
}
