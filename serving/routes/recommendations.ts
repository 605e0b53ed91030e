import type { FastifyInstance } from 'fastify';
import type { RecommendationsServed } from '../../schemas/generated/events.ts';
import type { VisitorId } from '../../schemas/keys.ts';
import { MODEL_VERSION, recommend, type Recommended } from '../recommend.ts';
import { badRequest, recommendationsQuery, type VisitorQuery } from '../request-schemas.ts';
import { recommendationsAnswer } from '../response-schemas.ts';
import type { ServingParts } from '../serving-parts.ts';
import { randomUuidV7 } from '../../platform/uuid-v7.ts';

/** `GET /v1/recommendations`: what this visitor may want next; every answer is logged to shop.served. */
export function recommendationRoutes(app: FastifyInstance, parts: ServingParts): void {
  app.get<{ Querystring: VisitorQuery }>(
    '/v1/recommendations',
    {
      config: { access: 'key' },
      schema: {
        summary: 'Recommendations for a visitor',
        querystring: recommendationsQuery,
        response: { 200: recommendationsAnswer },
      },
    },
    async (request) => {
      const startedAt = process.hrtime.bigint();
      const visitors = visitorsOf(request.query);
      const answer = await recommend(parts, visitors, request.query.limit);
      const servedAtMs = parts.now();
      const recommendationId = randomUuidV7(servedAtMs, parts.random);
      const latencyMicros = Number((process.hrtime.bigint() - startedAt) / 1000n);
      parts.servedLog.add(
        toServed(answer, request.query, {
          recommendationId,
          eventId: randomUuidV7(servedAtMs, parts.random),
          servedAtMs,
          latencyMicros,
        }),
      );
      parts.observeAnswer(answer.items[0]?.source ?? 'none', latencyMicros / 1e6);
      return {
        recommendationId,
        items: answer.items,
        modelVersion: MODEL_VERSION,
        servedAt: new Date(servedAtMs).toISOString(),
        degraded: answer.degraded,
        reason: answer.emptyReason,
      };
    },
  );
}

function visitorsOf(query: VisitorQuery): readonly VisitorId[] {
  const visitors: VisitorId[] = [];
  if (query.userId !== undefined) visitors.push({ kind: 'u', id: query.userId });
  if (query.anonymousId !== undefined) visitors.push({ kind: 'a', id: query.anonymousId });
  if (visitors.length === 0) {
    throw badRequest('anonymousId', 'query parameter anonymousId or userId is needed');
  }
  return visitors;
}

interface ServedFields {
  readonly recommendationId: string;
  readonly eventId: string;
  readonly servedAtMs: number;
  readonly latencyMicros: number;
}

function toServed(answer: Recommended, query: VisitorQuery, fields: ServedFields): RecommendationsServed {
  return {
    type: 'RecommendationsServed',
    eventId: fields.eventId,
    eventTime: fields.servedAtMs,
    ingestTime: fields.servedAtMs,
    source: 'serving',
    traceparent: null,
    recommendationId: fields.recommendationId,
    anonymousId: query.anonymousId ?? '',
    userId: query.userId ?? null,
    // The ranking is deterministic: each item was certain to be shown at its place.
    items: answer.items.map(({ itemId, position, source }) => ({
      itemId,
      position,
      propensity: 1,
      reason: source,
    })),
    modelVersion: MODEL_VERSION,
    experiment: null,
    latencyMicros: fields.latencyMicros,
  };
}
