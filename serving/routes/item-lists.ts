import type { FastifyInstance } from 'fastify';
import { MODEL_VERSION, similarItems } from '../recommend.ts';
import { itemParams, listQuery, type LimitQuery } from '../request-schemas.ts';
import { similarAnswer, trendingAnswer } from '../response-schemas.ts';
import type { ServingParts } from '../serving-parts.ts';
import { unlessStoreDown } from '../store-down.ts';

/** `GET /v1/items/:id/similar` and `GET /v1/trending`. */
export function itemListRoutes(app: FastifyInstance, parts: ServingParts): void {
  app.get<{ Params: { id: string }; Querystring: LimitQuery }>(
    '/v1/items/:id/similar',
    {
      config: { access: 'key' },
      schema: {
        summary: 'Items viewed together with an item',
        params: itemParams,
        querystring: listQuery,
        response: { 200: similarAnswer },
      },
    },
    async (request) => {
      const { items, degraded } = await similarItems(parts, request.params.id, request.query.limit);
      return {
        itemId: request.params.id,
        items,
        modelVersion: MODEL_VERSION,
        servedAt: new Date(parts.now()).toISOString(),
        degraded,
      };
    },
  );

  app.get<{ Querystring: LimitQuery }>(
    '/v1/trending',
    {
      config: { access: 'key' },
      schema: {
        summary: 'The most wanted items of the shop',
        querystring: listQuery,
        response: { 200: trendingAnswer },
      },
    },
    async (request) => {
      const read = await unlessStoreDown(parts.reader.trending().then((list) => ({ list })));
      const list = read?.list ?? parts.memory.lastTrending();
      if (read?.list) parts.memory.rememberTrending(read.list);
      return {
        items: (list?.items ?? [])
          .slice(0, request.query.limit)
          .map(({ itemId, score }, position) => ({ itemId, position, score })),
        asOf: list === null ? null : new Date(list.asOfMs).toISOString(),
        degraded: read === null,
      };
    },
  );
}
