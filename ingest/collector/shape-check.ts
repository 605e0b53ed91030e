/** Compiles shapes to checks. A check gives the value as Avro takes it, or records the first fault. */
import { holdsCardNumber } from './card-number.ts';
import type { RecordShape, Shape } from './avro-shape.ts';
import type { EventFault } from './event-fault.ts';
import {
  MAX_CLOCK_SKEW_MS,
  MAX_TIME_MS,
  MIN_TIME_MS,
  type NumberRule,
  type TextRule,
} from './field-rules.ts';
import { parseInstant } from './instant.ts';
import { MAX_SAFE_LONG } from '../../schemas/wire-format.ts';

interface FieldFault {
  readonly code: EventFault['code'];
  /** Path below the value that was checked; each level that returns puts its name before it. */
  field: string;
  readonly says: string;
}

/** One run over one event. */
export interface Checking {
  readonly nowMs: number;
  /** The first fault; a check that set it returns undefined and its callers stop. */
  fault: FieldFault | undefined;
}

export type Check = (value: unknown, checking: Checking) => unknown;

/** RFC 9562: any version from 1 to 8; v7 is recommended since it sorts by time. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
const LONE_SURROGATE = /\p{Surrogate}/u;
const FIELD_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/** True for what JSON calls an object. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The canonical text of a UUID, or undefined. */
export function parseUuid(value: unknown): string | undefined {
  return typeof value === 'string' && UUID.test(value) ? value.toLowerCase() : undefined;
}

function fail(
  checking: Checking,
  says: string,
  code: EventFault['code'] = 'MR_INGEST_INVALID_EVENT',
): unknown {
  checking.fault = { code, field: '', says };
  return undefined;
}

/** The check of a shape. */
export function compileShape(shape: Shape): Check {
  switch (shape.kind) {
    case 'record':
      return recordCheck(shape);
    case 'array':
      return arrayCheck(shape);
    case 'nullable': {
      const inner = compileShape(shape.inner);
      return (value, checking) => (value === null ? null : inner(value, checking));
    }
    case 'text':
      return textCheck(shape.rule);
    case 'number':
      return numberCheck(shape.rule, shape.whole);
    case 'enum': {
      const symbols = new Set<unknown>(shape.symbols);
      const says = `needs one of ${shape.symbols.join(', ')}`;
      return (value, checking) => (symbols.has(value) ? value : fail(checking, says));
    }
    case 'boolean':
      return (value, checking) =>
        typeof value === 'boolean' ? value : fail(checking, 'needs true or false');
    case 'uuid':
      return (value, checking) => parseUuid(value) ?? fail(checking, 'needs a UUID, best of version 7');
    case 'instant':
      return instantCheck(shape.mayBeFuture);
    case 'amount':
      return checkAmount;
  }
}

function recordCheck(shape: RecordShape): Check {
  const fields = shape.fields.map((field) => ({ ...field, check: compileShape(field.shape) }));
  const names = new Set(fields.map((field) => field.name));
  return (value, checking) => {
    if (!isPlainObject(value)) return fail(checking, 'needs an object');
    const out: Record<string, unknown> = {};
    let taken = 0;
    for (const field of fields) {
      const given = Object.hasOwn(value, field.name) ? value[field.name] : undefined;
      if (given === undefined) {
        if (field.fallback === undefined) {
          fail(checking, 'is required');
          return at(field.name, checking);
        }
        out[field.name] = field.fallback.value;
        continue;
      }
      taken++;
      out[field.name] = field.check(given, checking);
      if (checking.fault !== undefined) return at(field.name, checking);
    }
    const keys = Object.keys(value);
    return keys.length === taken ? out : unknownField(keys, names, checking);
  };
}

/** A misspelt optional field would be lost without a word. */
function unknownField(keys: readonly string[], names: ReadonlySet<string>, checking: Checking): unknown {
  const unknown = keys.find((key) => !names.has(key)) ?? '';
  fail(checking, unknown === 'ingestTime' ? 'is set by Millrace alone' : 'is no field of this event');
  // What is no identifier may be a value in disguise.
  return at(FIELD_NAME.test(unknown) && !holdsCardNumber(unknown) ? unknown : '(unnamed)', checking);
}

/** Puts the name of the level before the field of the fault. */
function at(name: string, checking: Checking): unknown {
  const { fault } = checking;
  if (fault !== undefined) {
    const glue = fault.field === '' || fault.field.startsWith('[') ? '' : '.';
    fault.field = `${name}${glue}${fault.field}`;
  }
  return undefined;
}

function arrayCheck(shape: Extract<Shape, { kind: 'array' }>): Check {
  const check = compileShape(shape.items);
  const says = `needs a list of ${shape.min} to ${shape.max} elements`;
  return (value, checking) => {
    if (!Array.isArray(value) || value.length < shape.min || value.length > shape.max)
      return fail(checking, says);
    const out: unknown[] = [];
    for (const [index, element] of (value as readonly unknown[]).entries()) {
      out.push(check(element, checking));
      if (checking.fault !== undefined) return at(`[${index}]`, checking);
    }
    return out;
  };
}

function textCheck(rule: TextRule): Check {
  return (value, checking) => {
    if (typeof value !== 'string' || value.length < rule.minLength || value.length > rule.maxLength) {
      return fail(checking, rule.needs);
    }
    // Before the pattern, so that a card number is called by its name.
    if (rule.noCardNumber && holdsCardNumber(value)) {
      return fail(checking, 'looks like the number of a payment card', 'MR_INGEST_CARD_NUMBER');
    }
    if (rule.pattern?.test(value) === false || rule.oneOf?.has(value) === false)
      return fail(checking, rule.needs);
    return LONE_SURROGATE.test(value) ? fail(checking, 'holds half a character (a lone surrogate)') : value;
  };
}

function numberCheck(rule: NumberRule, whole: boolean): Check {
  const says = `needs a ${whole ? 'whole number' : 'number'} ${numberBounds(rule)}`;
  return (value, checking) => {
    const fits =
      typeof value === 'number' &&
      (whole ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
      value >= rule.min &&
      value <= rule.max &&
      !(rule.nonZero === true && value === 0);
    // Avro has no negative zero in its integers.
    return fits ? (whole && value === 0 ? 0 : value) : fail(checking, says);
  };
}

function numberBounds(rule: NumberRule): string {
  if (rule.nonZero === true) return 'other than 0';
  return rule.min === Number.MIN_VALUE ? 'above 0' : `from ${rule.min} to ${rule.max}`;
}

function instantCheck(mayBeFuture: boolean): Check {
  return (value, checking) => {
    const timeMs = parseInstant(value);
    if (timeMs === undefined)
      return fail(checking, 'needs ISO 8601 with an offset, or milliseconds since 1970');
    if (timeMs < MIN_TIME_MS) return fail(checking, 'lies before the year 2000');
    if (!mayBeFuture && timeMs > checking.nowMs + MAX_CLOCK_SKEW_MS) {
      return fail(checking, 'lies more than five minutes in the future', 'MR_INGEST_FUTURE_EVENT');
    }
    return timeMs > MAX_TIME_MS ? fail(checking, 'lies after the year 2199') : timeMs;
  };
}

function checkAmount(value: unknown, checking: Checking): unknown {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value > MAX_SAFE_LONG) {
    return fail(checking, 'needs a whole number of minor units below 2^52');
  }
  if (value < 0) return fail(checking, 'is negative', 'MR_INGEST_NEGATIVE_AMOUNT');
  return value === 0 ? 0 : value;
}
