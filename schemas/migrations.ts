import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from './package-root.ts';

export interface Migration {
  /** File name without its ending, such as `0001-facts`; the number orders them. */
  readonly name: string;
  readonly sql: string;
}

/** The ClickHouse migrations in order. */
export function clickhouseMigrations(): readonly Migration[] {
  const folder = join(PACKAGE_ROOT, 'schemas', 'clickhouse');
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => ({ name: file.slice(0, -'.sql'.length), sql: readFileSync(join(folder, file), 'utf8') }));
}
