import { afterEach, describe, expect, it } from 'vitest';
import fastify from 'fastify';
import { guardAccess } from './access.ts';
import { startServing, type Harness } from './harness.contract.ts';

const KEYS = ['first-key-of-serving', 'second-key-of-serving'];
let harness: Harness | undefined;
afterEach(async () => {
  await harness?.close();
  harness = undefined;
});

interface Refusal {
  readonly error?: { readonly code: string };
}

describe('access', () => {
  it.each(KEYS)('lets %s in, as a bearer token and as x-api-key', async (key) => {
    harness = await startServing({ keys: KEYS });
    expect((await harness.get('/v1/trending', { authorization: `Bearer ${key}` })).status).toBe(200);
    expect((await harness.get('/v1/trending', { 'x-api-key': key })).status).toBe(200);
  });

  it('refuses a missing key with 401 and a wrong one with 403', async () => {
    harness = await startServing({ keys: KEYS });
    const missing = await harness.get<Refusal>('/v1/trending');
    expect([missing.status, missing.body.error?.code]).toEqual([401, 'MR_SERVING_KEY_MISSING']);
    for (const headers of [
      { authorization: 'Bearer wrong-key-of-serving' },
      { 'x-api-key': KEYS[0]?.slice(0, -1) ?? '' },
    ]) {
      const wrong = await harness.get<Refusal>('/v1/trending', headers);
      expect([wrong.status, wrong.body.error?.code]).toEqual([403, 'MR_SERVING_KEY_INVALID']);
    }
    const basic = await harness.get<Refusal>('/v1/trending', { authorization: 'Basic abc' });
    expect(basic.status).toBe(401);
  });

  it('is declared by every route, and only these are public', async () => {
    harness = await startServing({ keys: KEYS });
    const { app, routes } = harness.serving;
    expect(routes.filter((route) => route.access === undefined)).toEqual([]);
    const open = routes.filter((route) => route.access === 'public').map((route) => route.url);
    const known = /^\/(console\/[a-z-]+\.(js|css|svg)|openapi\.json|health\/(live|ready))?$/;
    expect(open.filter((url) => !known.test(url))).toEqual([]);
    expect(open).toContain('/console/main.js');
    const guarded = routes.filter((route) => route.access === 'key' && route.method === 'GET');
    expect(guarded.map((route) => route.url).sort()).toEqual([
      '/metrics',
      '/v1/alerts',
      '/v1/alerts/stream',
      '/v1/items',
      '/v1/items/:id/similar',
      '/v1/live',
      '/v1/recommendations',
      '/v1/trending',
      '/v1/visitors/:id/history',
      '/v1/visitors/active',
    ]);
    for (const { url } of routes) {
      expect([url, (await app.inject({ url })).statusCode]).toEqual([url, open.includes(url) ? 200 : 401]);
    }
  });

  it('asks for no key where none is configured', async () => {
    harness = await startServing();
    expect((await harness.get('/v1/trending')).status).toBe(200);
  });

  it('shows visitors to clients on this machine only', async () => {
    harness = await startServing();
    const from = (remoteAddress: string) =>
      harness?.serving.app.inject({ url: '/v1/visitors/x/history', remoteAddress });
    expect((await from('127.0.0.1'))?.statusCode).toBe(200);
    expect((await from('::ffff:127.0.0.1'))?.statusCode).toBe(200);
    const remote = await from('10.0.0.7');
    expect([remote?.statusCode, remote?.json<Refusal>().error?.code]).toEqual([
      403,
      'MR_SERVING_ACCESS_DENIED',
    ]);
  });

  it('refuses a route that declares no access', async () => {
    const app = fastify();
    guardAccess(app, []);
    app.get('/undeclared', () => 'secret');
    app.get('/declared', { config: { access: 'public' } }, () => 'open');
    expect((await app.inject('/undeclared')).statusCode).toBe(403);
    expect((await app.inject('/undeclared')).body).not.toContain('secret');
    expect((await app.inject('/declared')).body).toBe('open');
    expect((await app.inject('/missing')).statusCode).toBe(404);
    await app.close();
  });
});
