import type { FastifyInstance, FastifyRequest } from 'fastify';
import { itemsQuery, type ItemsQuery } from '../request-schemas.ts';
import { itemsAnswer } from '../response-schemas.ts';
import type { ServingParts } from '../serving-parts.ts';
import { unlessStoreDown } from '../store-down.ts';

/** `GET /v1/items`: what people see of items. Each item once, in the order asked; those without a card are left out. */
export function itemCardRoutes(app: FastifyInstance, parts: ServingParts): void {
  app.get<{ Querystring: ItemsQuery }>(
    '/v1/items',
    {
      config: { access: 'key' },
      preValidation: (request, _reply, done) => {
        splitIds(request);
        done();
      },
      schema: {
        summary: 'Title, category, price and state of items',
        querystring: itemsQuery,
        response: { 200: itemsAnswer },
      },
    },
    async (request) => {
      const itemIds = [...new Set(request.query.ids)];
      const cards = await unlessStoreDown(parts.reader.cards(itemIds));
      const items = itemIds.flatMap((itemId) => {
        const card = cards?.get(itemId);
        return card === undefined ? [] : [{ itemId, ...card }];
      });
      return { items, degraded: cards === null };
    },
  );
}

/** Turns `a,b` into a list before it is validated, so that each id is held to what ids must be. */
function splitIds(request: FastifyRequest): void {
  const query = request.query as Record<string, string | string[]>;
  if (query['ids'] !== undefined) query['ids'] = [query['ids']].flat().flatMap((text) => text.split(','));
}
