import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { describeEvents } from './open-api.ts';

/** Options of @fastify/swagger: it lists the routes, the events' part is put in from the Avro schemas. */
export function openApiOptions(maxEvents: number): FastifyDynamicSwaggerOptions {
  const { components, requestBody, responses } = describeEvents(maxEvents);
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Millrace collector',
        description: 'Takes the events of a shop. An event is safe once it is counted as accepted.',
        version: '1.0.0',
      },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer' },
          apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        },
      },
    },
    transformObject(document) {
      if (!('openapiObject' in document)) return document.swaggerObject;
      const { openapiObject } = document;
      const path = openapiObject.paths?.['/v1/events'];
      // The library's types know OpenAPI 3.0 only; the shapes use 3.1.
      if (path?.post !== undefined) Object.assign(path.post, { requestBody, responses });
      Object.assign((openapiObject.components ??= {}), { schemas: components });
      return openapiObject;
    },
  };
}
