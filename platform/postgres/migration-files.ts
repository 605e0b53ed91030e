import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Migration } from '../../schemas/migrations.ts';
import { MillraceError } from '../errors.ts';

const FILE = /^\d{4}-[a-z0-9-]+\.sql$/;

/**
 * The numbered files `0001-orders.sql`, `0002-…` of a folder, in order.
 * @throws MillraceError MR_POSTGRES_MIGRATION_ORDER for a gap, a number given twice, a name of another form
 */
export async function readMigrations(folder: string): Promise<readonly Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  const odd = files.find((file) => !FILE.test(file));
  if (odd !== undefined) {
    throw misordered(`The file ${odd} is not named like 0001-some-words.sql`);
  }
  const migrations = await Promise.all(
    files.map(async (file) => ({
      name: file.slice(0, -'.sql'.length),
      sql: await readFile(join(folder, file), 'utf8'),
    })),
  );
  checkOrder(migrations);
  return migrations;
}

/** @throws MillraceError MR_POSTGRES_MIGRATION_ORDER unless the numbers are 1, 2, 3, … */
export function checkOrder(migrations: readonly Migration[]): void {
  for (const [index, { name }] of migrations.entries()) {
    if (migrationNumber(name) === index + 1) continue;
    const expected = String(index + 1).padStart(4, '0');
    throw misordered(
      `Migration ${name} stands where ${expected} belongs: numbers have no gap and none twice`,
    );
  }
}

export function migrationNumber(name: string): number {
  return Number(/^(\d{4})-/.exec(name)?.[1]);
}

/** Of what the file does: comment lines, line ends and spaces at the end may change. */
export function migrationChecksum({ sql }: Migration): string {
  const lines = sql.split(/\r?\n/).filter((line) => !line.trimStart().startsWith('--'));
  return createHash('sha256').update(lines.join('\n').trim()).digest('hex');
}

export function misordered(message: string): MillraceError {
  return new MillraceError('MR_POSTGRES_MIGRATION_ORDER', message);
}
