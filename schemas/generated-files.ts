/** The TypeScript types of the Avro records, made from the newest version of each. */
import { SCHEMAS, latestSchema } from './registry.ts';

export interface GeneratedFile {
  readonly path: string;
  readonly text: string;
}

type AvroSchema = string | readonly AvroSchema[] | AvroComplex;
interface AvroComplex {
  readonly type: AvroSchema;
  readonly name?: string;
  readonly doc?: string;
  readonly fields?: readonly AvroField[];
  readonly symbols?: readonly string[];
  readonly items?: AvroSchema;
  readonly values?: AvroSchema;
}
interface AvroField {
  readonly name: string;
  readonly type: AvroSchema;
  readonly doc?: string;
}

const PRIMITIVES: Readonly<Record<string, string>> = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  string: 'string',
  bytes: 'Buffer',
};

/** Named types that are declared so far, by name, so that each is declared once and means the same everywhere. */
class Declarations {
  readonly #texts = new Map<string, string>();

  add(name: string, text: string): void {
    const known = this.#texts.get(name);
    if (known !== undefined && known !== text) throw new Error(`two different types are named ${name}`);
    this.#texts.set(name, text);
  }

  get text(): string {
    return [...this.#texts.values()].join('\n');
  }
}

function typeText(schema: AvroSchema, declarations: Declarations): string {
  if (typeof schema === 'string') return PRIMITIVES[schema] ?? schema;
  if (isUnion(schema)) return schema.map((part) => typeText(part, declarations)).join(' | ');
  switch (schema.type) {
    case 'record':
      declarations.add(schema.name ?? '', recordText(schema, declarations, false));
      return schema.name ?? '';
    case 'enum':
      declarations.add(schema.name ?? '', enumText(schema));
      return schema.name ?? '';
    case 'array':
      return `readonly ${wrapped(typeText(schema.items ?? 'null', declarations))}[]`;
    case 'map':
      return `Readonly<Record<string, ${typeText(schema.values ?? 'null', declarations)}>>`;
    default:
      return typeText(schema.type, declarations);
  }
}

function isUnion(schema: readonly AvroSchema[] | AvroComplex): schema is readonly AvroSchema[] {
  return Array.isArray(schema);
}

function wrapped(text: string): string {
  return text.includes(' | ') ? `(${text})` : text;
}

function enumText(schema: AvroComplex): string {
  const symbols = (schema.symbols ?? []).map((symbol) => `'${symbol}'`);
  return `export type ${schema.name ?? ''} = ${symbols.join(' | ')};\n`;
}

function recordText(schema: AvroComplex, declarations: Declarations, event: boolean): string {
  const name = schema.name ?? '';
  const lines = (schema.fields ?? []).flatMap((field) => [
    ...(field.doc === undefined ? [] : [`  /** ${field.doc} */`]),
    `  readonly ${field.name}: ${typeText(field.type, declarations)};`,
  ]);
  const doc = schema.doc === undefined ? '' : `/** ${schema.doc} */\n`;
  return `${doc}export interface ${name} {\n${event ? `  readonly type: '${name}';\n` : ''}${lines.join('\n')}\n}\n`;
}

function unionText(name: string, records: readonly string[]): string {
  return `export type ${name} =\n${records.map((record) => `  | ${record}`).join('\n')};\n`;
}

/** `shop.risk-decisions` → `RiskDecisionsEvent`. */
function unionName(topic: string): string {
  const words = topic.slice(topic.indexOf('.') + 1).split('-');
  return `${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')}Event`;
}

/** Source of schemas/generated/events.ts. */
function eventTypesSource(): string {
  const declarations = new Declarations();
  const records = [...new Set(SCHEMAS.map((entry) => entry.record))];
  for (const record of records) {
    declarations.add(
      record,
      recordText(latestSchema(record).schema as unknown as AvroComplex, declarations, true),
    );
  }
  const topics = [...new Set(SCHEMAS.map((entry) => entry.topic))];
  const unions = topics.map((topic) =>
    unionText(unionName(topic), [
      ...new Set(SCHEMAS.filter((entry) => entry.topic === topic).map((entry) => entry.record)),
    ]),
  );
  return [
    '// Made from schemas/avro by `npm run generate`; do not edit.\n',
    declarations.text,
    ...unions,
    unionText('MillraceEvent', topics.map(unionName)),
    `/** What each topic carries. */\nexport interface TopicEvents {\n${topics.map((topic) => `  '${topic}': ${unionName(topic)};`).join('\n')}\n}\n`,
    "export type RecordName = MillraceEvent['type'];\n",
    'export type EventOf<Name extends RecordName> = Extract<MillraceEvent, { type: Name }>;\n',
  ].join('\n');
}

/** Every file that `npm run generate` writes from the schemas. */
export function generatedFiles(): readonly GeneratedFile[] {
  return [{ path: 'schemas/generated/events.ts', text: eventTypesSource() }];
}
