/**
 * The file-based schema registry: every version of every record, each with a fixed id. Ids are never reused; a changed
 * record is a new file `<Record>.v<n>.avsc` and a new line in registry.json.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import avsc, { type Schema, type Type } from 'avsc';
import { PACKAGE_ROOT } from './package-root.ts';

export interface RegistryEntry {
  /** Id in the Confluent wire format. */
  readonly id: number;
  readonly record: string;
  readonly version: number;
  /** Topic that carries the record. */
  readonly topic: string;
}

export interface RegisteredSchema extends RegistryEntry {
  readonly schema: Schema;
  readonly type: Type;
}

const FOLDER = join(PACKAGE_ROOT, 'schemas', 'avro');

/** The Avro schema of one version of a record. */
function readSchema(entry: RegistryEntry): Schema {
  return JSON.parse(readFileSync(join(FOLDER, `${entry.record}.v${entry.version}.avsc`), 'utf8')) as Schema;
}

/** Parses a schema the way all of Millrace does: logical types stay numbers and strings, unions are not wrapped. */
export function parseSchema(schema: Schema): Type {
  return avsc.Type.forSchema(schema, { wrapUnions: false });
}

/** Every schema of the registry, in the order of the ids. */
export const SCHEMAS: readonly RegisteredSchema[] = (
  JSON.parse(readFileSync(join(FOLDER, 'registry.json'), 'utf8')) as RegistryEntry[]
).map((entry) => {
  const schema = readSchema(entry);
  return { ...entry, schema, type: parseSchema(schema) };
});

/** The newest version of a record. */
export function latestSchema(record: string): RegisteredSchema {
  const versions = SCHEMAS.filter((entry) => entry.record === record);
  const latest = versions.reduce<RegisteredSchema | undefined>(
    (best, entry) => (best === undefined || entry.version > best.version ? entry : best),
    undefined,
  );
  if (latest === undefined) throw new Error(`no schema for record ${record}`);
  return latest;
}
