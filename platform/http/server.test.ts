import { pino } from 'pino';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { MillraceError } from '../errors.ts';
import { createMetrics } from '../metrics.ts';
import { createHttpServer, registerHealth, registerMetrics, type Check } from './index.ts';

let app: FastifyInstance;
let logged: string[];

function server(): FastifyInstance {
  logged = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => logged.push(line) });
  app = createHttpServer({ name: 'test', log, bodyLimit: 2048 });
  return app;
}

afterEach(() => app.close());

function failing(error: unknown): FastifyInstance {
  return server().get('/fails', () => Promise.reject(error as Error));
}

const NOT_JSON = "Body is not valid JSON but content-type is set to 'application/json'";
const SCHEMA = {
  body: {
    type: 'object',
    required: ['n'],
    additionalProperties: false,
    properties: { n: { type: 'integer' } },
  },
};

function withBody(): FastifyInstance {
  return server().post('/things', { schema: SCHEMA }, async () => ({ ok: true }));
}

describe('errors over HTTP', () => {
  it('answers a MillraceError with its status, code, message and fix', async () => {
    failing(new MillraceError('MR_HTTP_BAD_REQUEST', 'limit must be 1 to 50'));
    const response = await app.inject('/fails');
    expect(response.statusCode).toBe(400);
    expect(response.json()).toEqual({
      error: {
        code: 'MR_HTTP_BAD_REQUEST',
        message: 'limit must be 1 to 50',
        fix: 'Correct what the message names; the API reference describes each field.',
      },
    });
    expect(logged).toEqual([]);
  });

  it.each([
    [
      new MillraceError('MR_ONLINE_STORE_UNAVAILABLE', 'redis://secret-host'),
      503,
      'MR_ONLINE_STORE_UNAVAILABLE',
    ],
    [new MillraceError('MR_CLICKHOUSE_QUERY_FAILED', 'SELECT secret'), 500, 'MR_CLICKHOUSE_QUERY_FAILED'],
    [new Error('secret'), 500, 'MR_INTERNAL'],
    [Object.assign(new Error('secret'), { statusCode: 502 }), 500, 'MR_INTERNAL'],
    ['secret', 500, 'MR_INTERNAL'],
  ])('tells the client no detail of %s, and the log all', async (error, status, code) => {
    failing(error);
    const response = await app.inject('/fails?email=me@example.org');
    expect(response.statusCode).toBe(status);
    expect(response.json()).toMatchObject({ error: { code } });
    expect(response.body).not.toContain('secret');
    expect(response.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
    expect(logged).toHaveLength(1);
    expect(JSON.parse(logged[0] ?? '')).toMatchObject({ level: 50, code, route: '/fails' });
    expect(logged[0]).toContain('secret');
    expect(logged[0]).not.toContain('example.org');
  });

  it('answers an unknown path without its query', async () => {
    const response = await server().inject('/nowhere?email=me@example.org');
    expect(response.statusCode).toBe(404);
    expect(response.json()).toMatchObject({
      error: { code: 'MR_HTTP_NOT_FOUND', message: 'There is nothing at GET /nowhere' },
    });
  });

  const bad = (message: string) => [400, { error: { code: 'MR_HTTP_BAD_REQUEST', message } }];
  it.each([
    ['half a body', '{"n":', 'application/json', bad(NOT_JSON)],
    ['a wrong type', '{"n":"private"}', 'application/json', bad('body/n must be integer')],
    [
      'an unknown field',
      '{"n":1,"m":"private"}',
      'application/json',
      bad('body must NOT have additional properties'),
    ],
    [
      'a large body',
      `{"n":"${'9'.repeat(3000)}"}`,
      'application/json',
      [413, { error: { code: 'MR_HTTP_BODY_TOO_LARGE' } }],
    ],
    ['another media type', 'n=1', 'text/csv', [415, { error: { code: 'MR_HTTP_UNSUPPORTED_MEDIA' } }]],
  ])('refuses %s', async (_what, payload, type, expected) => {
    const response = await withBody().inject({
      method: 'POST',
      url: '/things',
      headers: { 'content-type': type },
      payload,
    });
    expect([response.statusCode, response.json()]).toMatchObject(expected);
    expect(response.body).not.toContain('private');
  });
});

describe('headers and log', () => {
  it('sets security headers on every answer, which a route may change', async () => {
    server().get('/page', async (_request, reply) => {
      reply.header('content-security-policy', "default-src 'self'");
      return 'page';
    });
    const page = await app.inject('/page');
    expect(page.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'content-security-policy': "default-src 'self'",
    });
    const missing = await app.inject('/none');
    expect(missing.headers['content-security-policy']).toContain("default-src 'none'");
  });

  it.each([
    ['trace-1.a_B', true],
    ['has space', false],
    ['x'.repeat(65), false],
    ['new\\nline{"level":50}', false],
  ])('gives the request id %j back: %s', async (id, kept) => {
    const response = await server().inject({ url: '/none', headers: { 'x-request-id': id } });
    if (kept) expect(response.headers['x-request-id']).toBe(id);
    else expect(response.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('logs nothing for a request that succeeds', async () => {
    await withBody().inject({ method: 'POST', url: '/things', payload: { n: 1 } });
    expect(logged).toEqual([]);
  });
});

describe('health', () => {
  const probes = (live: boolean, ready: () => Promise<readonly Check[]>) => {
    registerHealth(server(), { live: () => live, ready });
    return app;
  };

  it.each([true, false])('says whether the process lives: %s', async (live) => {
    const response = await probes(live, async () => []).inject('/health/live');
    expect([response.statusCode, response.json()]).toEqual([live ? 200 : 503, { live }]);
  });

  it('is ready when every check is ok', async () => {
    const kafka = { name: 'kafka', ok: true };
    const store = { name: 'online store', ok: false, detail: 'away' };
    const good = await probes(true, async () => [kafka]).inject('/health/ready');
    expect([good.statusCode, good.json()]).toEqual([200, { ready: true, checks: [kafka] }]);
    await app.close();
    const bad = await probes(true, async () => [kafka, store]).inject('/health/ready');
    expect([bad.statusCode, bad.json()]).toEqual([503, { ready: false, checks: [kafka, store] }]);
  });

  it('takes a check that throws as not ready', async () => {
    const response = await probes(true, () => Promise.reject(new Error('no'))).inject('/health/ready');
    expect([response.statusCode, response.json()]).toEqual([
      503,
      { ready: false, checks: [{ name: 'ready', ok: false, detail: 'no' }] },
    ]);
  });
});

describe('metrics', () => {
  it('answers in the text format of Prometheus', async () => {
    const metrics = createMetrics();
    metrics.counter('millrace_ingest_events_total').inc({ result: 'accepted' }, 2);
    registerMetrics(server(), metrics.registry);
    const response = await app.inject('/metrics');
    expect(response.headers['content-type']).toContain('text/plain; version=0.0.4');
    expect(response.body).toContain('millrace_ingest_events_total{result="accepted"} 2');
  });
});
