import type { FastifySchemaValidationError } from 'fastify';
import { MillraceError } from '../platform/errors.ts';

const ID = { type: 'string', minLength: 1, maxLength: 200 } as const;

const limit = (fallback: number, maximum: number) =>
  ({ type: 'integer', minimum: 1, maximum, default: fallback }) as const;

const object = <P extends object>(properties: P, required: readonly (keyof P & string)[] = []) => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required,
});

export interface VisitorQuery {
  readonly userId?: string;
  readonly anonymousId?: string;
  readonly limit: number;
}

export interface LimitQuery {
  readonly limit: number;
}

export interface ItemsQuery {
  readonly ids: readonly string[];
}

export const recommendationsQuery = {
  ...object({
    userId: { ...ID, description: 'Pseudonym of the user, when known.' },
    anonymousId: { ...ID, description: 'Device. With userId too, both histories count.' },
    limit: limit(10, 50),
  }),
  // `anyOf` would work as well, but its error names no parameter.
} as const;

export const itemParams = object({ id: { ...ID, description: 'Item.' } }, ['id']);
export const visitorParams = object({ id: { ...ID, description: 'Device (anonymousId).' } }, ['id']);
export const listQuery = object({ limit: limit(10, 50) });
export const itemsQuery = object(
  {
    ids: {
      type: 'array',
      items: ID,
      minItems: 1,
      maxItems: 100,
      description: 'Items, separated by commas or as repeated parameters.',
    },
  },
  ['ids'],
);
export const alertsQuery = object({ limit: limit(50, 200) });

/**
 * Fastify's `schemaErrorFormatter`: one error that names the parameter and what it needs. The value itself is not
 * repeated: it may be anybody's data.
 */
export function toBadRequest(errors: readonly FastifySchemaValidationError[], where: string): MillraceError {
  const [first] = errors;
  const named = first?.params['additionalProperty'] ?? first?.params['missingProperty'];
  const parameter =
    typeof named === 'string' ? named : (first?.instancePath ?? '').replace(/^\//, '').replaceAll('/', '.');
  const known =
    first?.keyword === 'additionalProperties' ? 'is not known' : (first?.message ?? 'is not valid');
  return badRequest(parameter, `${where} parameter ${parameter} ${known}`);
}

export function badRequest(parameter: string, message: string): MillraceError {
  return new MillraceError('MR_SERVING_BAD_REQUEST', message, { context: { parameter } });
}
