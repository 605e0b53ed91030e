import { parseDuration } from '../platform/config.ts';
import { MillraceError } from '../platform/errors.ts';

interface OptionBase {
  /** One line for `--help`. */
  readonly about: string;
  /** What stands for the value in `--help`: `--rate <events/s>`. */
  readonly placeholder?: string;
}

/** An option of a command. Booleans are false unless given; `--no-x` turns one off again. */
export type OptionSpec =
  | (OptionBase & { readonly type: 'boolean' })
  | (OptionBase & {
      readonly type: 'string';
      readonly default?: string;
      readonly choices?: readonly string[];
    })
  | (OptionBase & { readonly type: 'integer' | 'number'; readonly default?: number } & Bounds)
  /** `250ms`, `10s`, `5m`, `24h`; the value is in milliseconds. */
  | (OptionBase & { readonly type: 'duration'; readonly default?: string })
  /** May be given several times. */
  | (OptionBase & { readonly type: 'list' });

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

export type OptionTable = Readonly<Record<string, OptionSpec>>;

type Plain<Spec> = Spec extends { type: 'boolean' }
  ? boolean
  : Spec extends { type: 'list' }
    ? readonly string[]
    : Spec extends { type: 'string'; choices: readonly (infer Choice)[] }
      ? Choice
      : Spec extends { type: 'string' }
        ? string
        : number;

type IsOptional<Spec> = Spec extends { type: 'boolean' | 'list' } | { default: string | number }
  ? false
  : true;

/** The values of an option table: undefined only where there is no default. */
export type OptionValues<Table> = {
  readonly [Name in keyof Table]: IsOptional<Table[Name]> extends true
    ? Plain<Table[Name]> | undefined
    : Plain<Table[Name]>;
};

type RawOption = string | boolean | (string | boolean)[] | undefined;

/** @throws MillraceError MR_CLI_USAGE where the text is no such value or is out of bounds. */
export function readOption(
  name: string,
  spec: OptionSpec,
  raw: RawOption,
): string | number | boolean | readonly string[] | undefined {
  switch (spec.type) {
    case 'boolean':
      return raw === true;
    case 'list':
      return Array.isArray(raw) ? raw.map(String) : [];
    case 'string':
      return readString(name, spec, raw);
    case 'duration': {
      const text = raw === undefined ? spec.default : String(raw);
      return text === undefined ? undefined : readDuration(name, text);
    }
    case 'integer':
    case 'number':
      return raw === undefined ? spec.default : readNumber(name, spec, String(raw));
  }
}

function readString(name: string, spec: OptionSpec & { type: 'string' }, raw: RawOption): string | undefined {
  const text = raw === undefined ? spec.default : String(raw);
  if (text !== undefined && spec.choices?.includes(text) === false)
    throw fault(name, `is one of ${spec.choices.join(', ')}`, text);
  return text;
}

function readDuration(name: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw fault(name, 'needs a duration such as 250ms, 10s or 5m', text);
  return ms;
}

function readNumber(name: string, spec: OptionSpec & { type: 'integer' | 'number' }, text: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  const isRight = spec.type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value);
  const { min = -Infinity, max = Infinity } = spec;
  if (isRight && value >= min && value <= max) return value;
  const bounds = [
    min === -Infinity ? '' : ` from ${min}`,
    max === Infinity ? '' : `${min === -Infinity ? ' up' : ''} to ${max}`,
  ];
  throw fault(name, `needs a${spec.type === 'integer' ? ' whole' : ''} number${bounds.join('')}`, text);
}

function fault(name: string, needs: string, text: string): MillraceError {
  return new MillraceError('MR_CLI_USAGE', `--${name} ${needs}, not "${text}"`);
}
