/** The OpenAPI description of the collector, made from the same shapes as the validator. */
import { PUBLIC_SCHEMAS } from '../public-event.ts';
import { shapeOf, type FieldShape, type RecordShape, type Shape } from './avro-shape.ts';
import { exampleOf } from './event-example.ts';
import type { NumberRule, TextRule } from './field-rules.ts';
import { MAX_SAFE_LONG } from '../../schemas/wire-format.ts';

type JsonSchema = Readonly<Record<string, unknown>>;

/** What describes `POST /v1/events`, for the place of the operation in the document. */
export interface EventsOperation {
  readonly components: Readonly<Record<string, JsonSchema>>;
  readonly requestBody: JsonSchema;
  readonly responses: JsonSchema;
}

const EVENT = { $ref: '#/components/schemas/Event' };

export function describeEvents(maxEvents: number): EventsOperation {
  const records = PUBLIC_SCHEMAS.map(shapeOf);
  const events = { type: 'array', items: EVENT, maxItems: maxEvents };
  const examples = records.map((record): [string, JsonSchema] => [
    record.name,
    { summary: record.doc, value: exampleOf(record) },
  ]);
  const first = records[0];
  return {
    components: {
      ...Object.fromEntries(records.map((record) => [record.name, eventSchema(record)])),
      Event: {
        oneOf: records.map(({ name }) => ({ $ref: `#/components/schemas/${name}` })),
        discriminator: { propertyName: 'type' },
      },
      Batch: { type: 'object', required: ['events'], properties: { events } },
      Answer: ANSWER,
      Error: ERROR,
    },
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: { oneOf: [EVENT, events, { $ref: '#/components/schemas/Batch' }] },
          examples: {
            ...Object.fromEntries(examples),
            ...(first === undefined
              ? {}
              : { batch: { summary: 'Several events', value: { events: [exampleOf(first)] } } }),
          },
        },
      },
    },
    responses: RESPONSES,
  };
}

function eventSchema(record: RecordShape): JsonSchema {
  const schema = recordSchema(record);
  return {
    ...schema,
    description: record.doc,
    properties: { type: { const: record.name }, ...schema.properties },
    required: ['type', ...schema.required],
  };
}

function recordSchema(record: RecordShape) {
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(
      record.fields.map((field): [string, JsonSchema] => [field.name, fieldSchema(field)]),
    ),
    required: record.fields.filter(({ fallback }) => fallback === undefined).map(({ name }) => name),
  };
}

function fieldSchema({ shape, doc, fallback }: FieldShape): JsonSchema {
  return {
    ...shapeSchema(shape),
    ...(doc === '' ? {} : { description: doc }),
    ...(fallback === undefined ? {} : { default: fallback.value }),
  };
}

function shapeSchema(shape: Shape): JsonSchema {
  switch (shape.kind) {
    case 'record':
      return recordSchema(shape);
    case 'nullable':
      return { anyOf: [shapeSchema(shape.inner), { type: 'null' }] };
    case 'array':
      return {
        type: 'array',
        items: shapeSchema(shape.items),
        minItems: shape.min,
        maxItems: shape.max,
      };
    case 'text':
      return textSchema(shape.rule);
    case 'number':
      return numberSchema(shape.rule, shape.whole);
    case 'enum':
      return { type: 'string', enum: shape.symbols };
    case 'boolean':
      return { type: 'boolean' };
    case 'uuid':
      return { type: 'string', format: 'uuid' };
    case 'instant':
      return { oneOf: [{ type: 'string', format: 'date-time' }, { type: 'integer' }] };
    case 'amount':
      return { type: 'integer', minimum: 0, maximum: MAX_SAFE_LONG };
  }
}

function textSchema({ minLength, maxLength, pattern, oneOf }: TextRule): JsonSchema {
  return {
    type: 'string',
    ...(oneOf === undefined ? { minLength, maxLength } : { enum: [...oneOf] }),
    ...(pattern === undefined ? {} : { pattern: pattern.source }),
  };
}

function numberSchema({ min, max, nonZero }: NumberRule, whole: boolean): JsonSchema {
  return {
    type: whole ? 'integer' : 'number',
    ...(min === Number.MIN_VALUE ? { exclusiveMinimum: 0 } : { minimum: min }),
    maximum: max,
    ...(nonZero === true ? { not: { const: 0 } } : {}),
  };
}

const CODE = { type: 'string', description: 'Stable code; docs/errors.md lists all.' };
const MESSAGE = { type: 'string', description: 'Names the field, never its value.' };
const EVENT_ID = { type: 'string', format: 'uuid' };

const ANSWER: JsonSchema = {
  type: 'object',
  required: ['accepted', 'duplicates', 'rejected'],
  properties: {
    accepted: { type: 'integer', description: 'Events that are written and safe.' },
    duplicates: { type: 'integer', description: 'Events that were safe before; not written again.' },
    rejected: {
      type: 'array',
      items: {
        type: 'object',
        required: ['index', 'code', 'message'],
        properties: {
          index: { type: 'integer', description: 'Place in the request, from 0.' },
          eventId: EVENT_ID,
          code: CODE,
          message: MESSAGE,
          field: { type: 'string' },
        },
      },
    },
  },
};

const ERROR: JsonSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message', 'fix'],
      properties: {
        code: CODE,
        message: MESSAGE,
        fix: { type: 'string', description: 'What to do next.' },
        field: { type: 'string' },
        eventId: EVENT_ID,
      },
    },
  },
};

const json = (schema: JsonSchema) => ({ 'application/json': { schema } });
const answer = (description: string) => ({
  description,
  content: json({ $ref: '#/components/schemas/Answer' }),
});
const error = (description: string) => ({
  description,
  content: json({ $ref: '#/components/schemas/Error' }),
});

const RESPONSES: JsonSchema = {
  202: answer('Every event is written, or had been.'),
  207: answer('Some events are written, the others are listed with the reason.'),
  400: {
    description:
      'No event was written: a list of reasons for a batch, an error for a single event or a bad body.',
    content: json({
      oneOf: [{ $ref: '#/components/schemas/Answer' }, { $ref: '#/components/schemas/Error' }],
    }),
  },
  401: error('No key.'),
  403: error('Unknown key.'),
  413: error('Too large or too many events.'),
  415: error('Not application/json.'),
  503: error('Nothing was acknowledged: repeat with the same eventIds after `retry-after` seconds.'),
};
