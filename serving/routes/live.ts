import type { FastifyInstance } from 'fastify';
import { MillraceError } from '../../platform/errors.ts';
import { cached } from '../live/cached.ts';
import { createLiveNumbers } from '../live/live-numbers.ts';
import { readActiveVisitors, type ActiveVisitor } from '../live/active-visitors.ts';
import { visitorParams } from '../request-schemas.ts';
import { activeVisitorsAnswer, historyAnswer, liveAnswer } from '../response-schemas.ts';
import type { ServingParts } from '../serving-parts.ts';
import { unlessStoreDown } from '../store-down.ts';

const VISITORS_TTL_MS = 2000;

/** What the console shows: live numbers, and visitors to look at. The latter stay on this machine. */
export function liveRoutes(app: FastifyInstance, parts: ServingParts): void {
  const live = createLiveNumbers(parts);
  const activeVisitors = cached(() => visitors(parts), { ttlMs: VISITORS_TTL_MS, now: parts.now });

  app.get(
    '/v1/live',
    {
      config: { access: 'key' },
      schema: { summary: 'Live numbers, read at most once a second', response: { 200: liveAnswer } },
    },
    () => live(),
  );

  app.get(
    '/v1/visitors/active',
    {
      config: { access: 'key', loopbackOnly: true },
      schema: {
        summary: 'Devices seen lately (this machine only)',
        response: { 200: activeVisitorsAnswer },
      },
    },
    async () => ({ visitors: await activeVisitors() }),
  );

  app.get<{ Params: { id: string } }>(
    '/v1/visitors/:id/history',
    {
      config: { access: 'key', loopbackOnly: true },
      schema: {
        summary: 'What a device viewed and bought (this machine only)',
        params: visitorParams,
        response: { 200: historyAnswer },
      },
    },
    async (request) => {
      const visitors = [{ kind: 'a', id: request.params.id }] as const;
      const state = await unlessStoreDown(parts.reader.visitor(visitors));
      const history = state?.history ?? parts.memory.lastHistory(visitors);
      return { anonymousId: request.params.id, ...history, degraded: state === null };
    },
  );
}

/** null where ClickHouse is absent or down. */
async function visitors(parts: ServingParts): Promise<readonly ActiveVisitor[] | null> {
  if (parts.clickhouse === undefined) return null;
  try {
    return await readActiveVisitors(parts.clickhouse, parts.now());
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    parts.log.debug({ code: error.code }, 'active visitors cannot be read; the console asks again');
    return null;
  }
}
