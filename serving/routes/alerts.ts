import type { FastifyInstance } from 'fastify';
import { streamAlerts } from '../alerts/alert-stream.ts';
import { alertsQuery, type LimitQuery } from '../request-schemas.ts';
import { alertsAnswer } from '../response-schemas.ts';
import type { ServingParts } from '../serving-parts.ts';
import { unlessStoreDown } from '../store-down.ts';

/** `GET /v1/alerts` (the newest) and `GET /v1/alerts/stream` (server-sent events). */
export function alertRoutes(app: FastifyInstance, parts: ServingParts): void {
  const recent = () => unlessStoreDown(parts.reader.recentAlerts());

  app.get<{ Querystring: LimitQuery }>(
    '/v1/alerts',
    {
      config: { access: 'key' },
      schema: {
        summary: 'The newest alerts',
        querystring: alertsQuery,
        response: { 200: alertsAnswer },
      },
    },
    async (request) => {
      const alerts = await recent();
      return { alerts: (alerts ?? []).slice(0, request.query.limit), degraded: alerts === null };
    },
  );

  app.get(
    '/v1/alerts/stream',
    {
      sse: { kind: 'only' },
      config: { access: 'key' },
      schema: {
        summary: 'Alerts as server-sent events; Last-Event-ID replays what was missed',
        response: {
          200: { type: 'string', description: 'text/event-stream with events alert, gap and hello' },
        },
      },
    },
    async (_request, reply) => {
      // A stream that has ended must not keep its connection, which the server would wait for when it closes.
      void reply.header('connection', 'close');
      await streamAlerts(reply.sse, parts.hub, async () => (await recent()) ?? []);
    },
  );
}
