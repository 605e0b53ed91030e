import { expect, test } from 'vitest';
import { parseConfig } from '../../platform/config.ts';
import { silentLogger } from '../../platform/log.ts';
import { createMetrics } from '../../platform/metrics.ts';
import { PUBLIC_SCHEMAS } from '../public-event.ts';
import { createCollector } from './create-collector.ts';
import { createEventValidator } from './event-validator.ts';

const NOW_MS = Date.UTC(2025, 10, 3, 12);

test('the document describes every event, with examples that the collector takes', async () => {
  const app = createCollector({
    producer: {
      send: async () => expect.unreachable('a document needs no Kafka'),
      close: async () => undefined,
    },
    namespace: '',
    config: parseConfig({}).ingest,
    keys: [],
    metrics: createMetrics(),
    log: silentLogger(),
    now: () => NOW_MS,
  });
  const document = (await app.inject('/openapi.json')).json<OpenApi>();
  await app.close();
  expect(document.openapi).toBe('3.1.0');
  const operation = document.paths['/v1/events']?.post;
  const examples = Object.entries(operation?.requestBody.content['application/json'].examples ?? {});
  const names = PUBLIC_SCHEMAS.map(({ record }) => record);
  expect(examples.map(([name]) => name)).toEqual([...names, 'batch']);
  expect(Object.keys(document.components.schemas)).toEqual(expect.arrayContaining([...names, 'Event']));
  const validate = createEventValidator();
  for (const [name, { value }] of examples.slice(0, -1)) {
    expect(validate(value, NOW_MS), name).toMatchObject({ ok: true, event: { type: name } });
  }
  expect(Object.keys(operation?.responses ?? {})).toEqual([
    '202',
    '207',
    '400',
    '401',
    '403',
    '413',
    '415',
    '503',
  ]);
});

interface OpenApi {
  readonly openapi: string;
  readonly components: { readonly schemas: Record<string, unknown> };
  readonly paths: Record<
    string,
    {
      readonly post: {
        readonly requestBody: {
          readonly content: {
            readonly 'application/json': { readonly examples: Record<string, { value: object }> };
          };
        };
        readonly responses: object;
      };
    }
  >;
}
