import { fastifySSE } from '@fastify/sse';
import { fastifySwagger } from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import type { Secret } from '../../platform/config.ts';
import { guardAccess, type RouteAccess } from '../access.ts';
import { toBadRequest } from '../request-schemas.ts';
import type { ServingParts } from '../serving-parts.ts';
import { alertRoutes } from './alerts.ts';
import { consoleRoutes } from './console.ts';
import { itemCardRoutes } from './item-cards.ts';
import { itemListRoutes } from './item-lists.ts';
import { liveRoutes } from './live.ts';
import { recommendationRoutes } from './recommendations.ts';

/** Comment lines that keep an idle alert stream open through proxies. */
const HEARTBEAT_MS = 15_000;

/**
 * Registers every route of the serving API and the console; the answer lists them with their access. Plugins come first:
 * they see only routes registered after them.
 */
export async function registerRoutes(
  app: FastifyInstance,
  parts: ServingParts,
  keys: readonly Secret[],
): Promise<readonly RouteAccess[]> {
  const routes = guardAccess(app, keys);
  app.setSchemaErrorFormatter(toBadRequest);
  await app.register(fastifySSE, { heartbeatInterval: HEARTBEAT_MS });
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Millrace serving',
        description: 'Recommendations, trending items, alerts and live numbers of a shop.',
        version: '1',
      },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer' },
          apiKey: { type: 'apiKey', name: 'x-api-key', in: 'header' },
        },
      },
      security: keys.length === 0 ? [] : [{ bearer: [] }, { apiKey: [] }],
    },
  });
  recommendationRoutes(app, parts);
  itemListRoutes(app, parts);
  itemCardRoutes(app, parts);
  alertRoutes(app, parts);
  liveRoutes(app, parts);
  consoleRoutes(app);
  app.get('/openapi.json', { config: { access: 'public' }, schema: { hide: true } }, () => app.swagger());
  return routes;
}
