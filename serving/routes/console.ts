import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { PACKAGE_ROOT } from '../../schemas/package-root.ts';

const FOLDER = join(PACKAGE_ROOT, 'serving', 'console');

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** On top of those that every answer has. */
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
};

interface Asset {
  readonly path: string;
  readonly contentType: string;
  readonly etag: string;
  readonly body: Buffer;
}

/**
 * The console: static files without a build step, read once. Only files that exist at start have a route, so no path of
 * a request ever reaches the disk. The files hold no data and are public; what they fetch is not.
 */
export function consoleRoutes(app: FastifyInstance): void {
  for (const asset of readAssets()) {
    app.get(asset.path, { config: { access: 'public' }, schema: { hide: true } }, (request, reply) => {
      void reply.headers({ ...PAGE_HEADERS, etag: asset.etag, 'cache-control': 'no-cache' });
      if (request.headers['if-none-match'] === asset.etag) return reply.code(304).send();
      return reply.type(asset.contentType).send(asset.body);
    });
  }
}

function readAssets(): readonly Asset[] {
  const files = readdirSync(FOLDER).filter((file) => extname(file) in CONTENT_TYPES);
  return files.map((file) => {
    const body = readFileSync(join(FOLDER, file));
    return {
      path: file === 'index.html' ? '/' : `/console/${file}`,
      contentType: CONTENT_TYPES[extname(file)] ?? 'application/octet-stream',
      etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
      body,
    };
  });
}
