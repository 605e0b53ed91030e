import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startServing, type Harness } from '../harness.contract.ts';

let harness: Harness;
beforeEach(async () => {
  harness = await startServing();
});
afterEach(() => harness.close());

const get = (url: string, headers = {}) => harness.serving.app.inject({ url, headers });

describe('the console', () => {
  it('is a page whose every script, style and picture is served', async () => {
    const page = await get('/');
    expect(page.headers['content-type']).toContain('text/html');
    const assets = [...page.body.matchAll(/(?:src|href)="(\/console\/[^"]+)"/g)].map(
      (match) => match[1] ?? '',
    );
    expect(assets.length).toBeGreaterThanOrEqual(4);
    for (const url of assets) expect([url, (await get(url)).statusCode]).toEqual([url, 200]);
    const main = await get('/console/main.js');
    expect(main.headers['content-type']).toContain('text/javascript');
    for (const [, module] of main.body.matchAll(/from '\.\/([^']+)'/g)) {
      expect([module, (await get(`/console/${module ?? ''}`)).statusCode]).toEqual([module, 200]);
    }
  });

  it('allows no inline script and no other origin', async () => {
    const page = await get('/');
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe-inline');
    expect(page.body).not.toMatch(/<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=|https?:\/\//);
  });

  it('is not sent again while it has not changed', async () => {
    const { headers } = await get('/');
    expect((await get('/', { 'if-none-match': headers.etag })).statusCode).toBe(304);
  });

  it.each(['/console/../server.ts', '/console/%2e%2e%2fserver.ts', '/console/', '/console/index.html'])(
    'has nothing at %s',
    async (url) => {
      expect((await get(url)).statusCode).toBe(404);
    },
  );
});

describe('the description and the probes', () => {
  it('describe every route of the API', async () => {
    const document = (await get('/openapi.json')).json<{ openapi: string; paths: object }>();
    expect(document.openapi).toBe('3.1.0');
    for (const path of [
      '/v1/recommendations',
      '/v1/items',
      '/v1/items/{id}/similar',
      '/v1/alerts/stream',
      '/v1/live',
    ]) {
      expect(document.paths).toHaveProperty([path]);
    }
  });

  it('are ready with the store, and without it once there is something to answer with', async () => {
    expect((await get('/health/ready')).statusCode).toBe(200);
    await harness.trending(['hot']);
    await get('/v1/trending');
    await harness.store.close();
    const degraded = await get('/health/ready');
    expect(degraded.statusCode).toBe(200);
    expect(degraded.body).toContain('answers come from memory');
  });

  it('are not ready when the store is down and memory is empty', async () => {
    await harness.store.close();
    expect((await get('/health/ready')).statusCode).toBe(503);
    expect((await get('/health/live')).statusCode).toBe(200);
  });

  it('show the numbers of the stage', async () => {
    await get('/v1/recommendations?anonymousId=a');
    expect((await get('/metrics')).body).toContain('millrace_recommendations_total{source="none"} 1');
  });
});
