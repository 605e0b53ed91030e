import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Secret } from '../platform/config.ts';
import { MillraceError } from '../platform/errors.ts';

/** `public`: anyone; `key`: a serving key where keys are configured. A route that declares neither is refused. */
export type Access = 'public' | 'key';

export interface RouteAccess {
  readonly method: string;
  readonly url: string;
  readonly access: Access | undefined;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
    /** Answers only clients on this machine, on top of `access`. */
    loopbackOnly?: boolean;
  }
}

/** Routes of platform/http, which knows nothing of access. Probes must work without a key; numbers need one. */
const PLATFORM_ROUTES: ReadonlyMap<string, Access> = new Map([
  ['/health/live', 'public'],
  ['/health/ready', 'public'],
  ['/metrics', 'key'],
]);

/**
 * Refuses every request that its route does not let in. Without keys the API is open; the configuration allows that on
 * a loopback address only. The answer lists every route that is registered from now on.
 * @throws MillraceError MR_SERVING_KEY_MISSING, MR_SERVING_KEY_INVALID, MR_SERVING_ACCESS_DENIED to the client
 */
export function guardAccess(app: FastifyInstance, keys: readonly Secret[]): readonly RouteAccess[] {
  const routes: RouteAccess[] = [];
  const digests = keys.map((key) => digest(key.reveal()));
  app.addHook('onRoute', (route) => {
    const access = PLATFORM_ROUTES.get(route.url);
    if (access !== undefined) route.config = { ...route.config, access };
    routes.push({ method: String(route.method), url: route.url, access: route.config?.access });
  });
  app.addHook('onRequest', async (request) => {
    if (request.is404) return;
    const { access, loopbackOnly } = request.routeOptions.config;
    if (access === undefined) throw denied(`route ${request.routeOptions.url ?? ''} declares no access`);
    if (loopbackOnly === true && !isLoopback(request.ip)) {
      throw denied(`route ${request.routeOptions.url ?? ''} answers clients on this machine only`);
    }
    if (access === 'key' && digests.length > 0) checkKey(request, digests);
  });
  return routes;
}

function checkKey(request: FastifyRequest, digests: readonly Buffer[]): void {
  const given = keyOf(request);
  if (given === undefined) {
    throw new MillraceError(
      'MR_SERVING_KEY_MISSING',
      'a key is needed: send Authorization: Bearer <key> or x-api-key',
    );
  }
  const candidate = digest(given);
  // Digests have one length, and every key is compared: the time tells neither length nor position of a match.
  const matches = digests.map((known) => timingSafeEqual(known, candidate));
  if (!matches.includes(true))
    throw new MillraceError('MR_SERVING_KEY_INVALID', 'the key is not known to this server');
}

function keyOf(request: FastifyRequest): string | undefined {
  const header = request.headers['x-api-key'];
  if (typeof header === 'string' && header !== '') return header;
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '');
  return bearer?.[1];
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function isLoopback(ip: string): boolean {
  return ip === '::1' || ip === 'localhost' || /^(::ffff:)?127\./.test(ip);
}

function denied(message: string): MillraceError {
  return new MillraceError('MR_SERVING_ACCESS_DENIED', message);
}
