/**
 * The shape of a public event: its Avro schema joined with the field rules. The validator and the OpenAPI document are
 * both made from it, so nothing about an event is written twice.
 */
import type { RegisteredSchema } from '../../schemas/registry.ts';
import { MAX_SAFE_LONG } from '../../schemas/wire-format.ts';
import {
  MAX_ARRAY_ITEMS,
  minItems,
  numberRule,
  textRule,
  type NumberRule,
  type TextRule,
} from './field-rules.ts';

export type Shape =
  | { readonly kind: 'text'; readonly rule: TextRule }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'instant'; readonly mayBeFuture: boolean }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'amount' }
  | { readonly kind: 'number'; readonly whole: boolean; readonly rule: NumberRule }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array'; readonly items: Shape; readonly min: number; readonly max: number }
  | { readonly kind: 'nullable'; readonly inner: Shape }
  | RecordShape;

export interface RecordShape {
  readonly kind: 'record';
  readonly name: string;
  readonly doc: string;
  readonly fields: readonly FieldShape[];
}

export interface FieldShape {
  readonly name: string;
  readonly doc: string;
  readonly shape: Shape;
  /** Present where the field may be left out: what stands for it then. */
  readonly fallback?: { readonly value: unknown };
}

type AvroSchema = string | readonly AvroSchema[] | AvroComplex;
interface AvroComplex {
  readonly type: string | AvroComplex;
  readonly logicalType?: string;
  readonly name?: string;
  readonly doc?: string;
  readonly fields?: readonly AvroField[];
  readonly symbols?: readonly string[];
  readonly items?: AvroSchema;
}
interface AvroField {
  readonly name: string;
  readonly type: AvroSchema;
  readonly doc?: string;
  readonly default?: unknown;
}

type NamedTypes = Map<string, Shape>;

const INT: NumberRule = { min: -(2 ** 31), max: 2 ** 31 - 1 };
const LONG: NumberRule = { min: -MAX_SAFE_LONG, max: MAX_SAFE_LONG };
const DOUBLE: NumberRule = { min: -Number.MAX_VALUE, max: Number.MAX_VALUE };

/** The shape of a registered record without `ingestTime`, which only Millrace sets. */
export function shapeOf(entry: RegisteredSchema): RecordShape {
  const shape = recordShape(entry.schema as unknown as AvroComplex, new Map());
  return { ...shape, fields: shape.fields.filter((field) => field.name !== 'ingestTime') };
}

function recordShape(schema: AvroComplex, named: NamedTypes): RecordShape {
  const shape: RecordShape = {
    kind: 'record',
    name: schema.name ?? '',
    doc: schema.doc ?? '',
    fields: (schema.fields ?? []).map((field) => ({
      name: field.name,
      doc: field.doc ?? '',
      shape: fieldShape(field.type, field.name, named),
      ...('default' in field ? { fallback: { value: field.default } } : {}),
    })),
  };
  named.set(shape.name, shape);
  return shape;
}

function fieldShape(schema: AvroSchema, field: string, named: NamedTypes): Shape {
  if (typeof schema === 'string') return named.get(schema) ?? primitiveShape(schema, field);
  if (isUnion(schema)) return unionShape(schema, field, named);
  if (schema.logicalType !== undefined) return logicalShape(schema.logicalType, field);
  switch (schema.type) {
    case 'record':
      return recordShape(schema, named);
    case 'enum': {
      const shape: Shape = { kind: 'enum', symbols: schema.symbols ?? [] };
      named.set(schema.name ?? '', shape);
      return shape;
    }
    case 'array':
      return {
        kind: 'array',
        items: fieldShape(schema.items ?? 'null', field, named),
        min: minItems(field),
        max: MAX_ARRAY_ITEMS,
      };
    default:
      return fieldShape(schema.type, field, named);
  }
}

function isUnion(schema: readonly AvroSchema[] | AvroComplex): schema is readonly AvroSchema[] {
  return Array.isArray(schema);
}

function unionShape(union: readonly AvroSchema[], field: string, named: NamedTypes): Shape {
  const [first, second] = union;
  if (union.length !== 2 || first !== 'null' || second === undefined) {
    throw new Error(`field ${field}: public events only have unions of null and one type`);
  }
  return { kind: 'nullable', inner: fieldShape(second, field, named) };
}

function logicalShape(logicalType: string, field: string): Shape {
  if (logicalType === 'uuid') return { kind: 'uuid' };
  if (logicalType === 'timestamp-millis') return { kind: 'instant', mayBeFuture: field !== 'eventTime' };
  throw new Error(`field ${field}: public events have no logical type ${logicalType}`);
}

function primitiveShape(type: string, field: string): Shape {
  switch (type) {
    case 'string':
      return { kind: 'text', rule: textRule(field) };
    case 'boolean':
      return { kind: 'boolean' };
    case 'int':
      return { kind: 'number', whole: true, rule: narrowed(INT, field) };
    case 'long':
      return field === 'amountMinor'
        ? { kind: 'amount' }
        : { kind: 'number', whole: true, rule: narrowed(LONG, field) };
    case 'double':
      return { kind: 'number', whole: false, rule: narrowed(DOUBLE, field) };
    default:
      throw new Error(`field ${field}: public events have no type ${type}`);
  }
}

function narrowed(type: NumberRule, field: string): NumberRule {
  const rule = numberRule(field);
  if (rule === undefined) return type;
  return {
    min: Math.max(type.min, rule.min),
    max: Math.min(type.max, rule.max),
    ...(rule.nonZero === undefined ? {} : { nonZero: rule.nonZero }),
  };
}
