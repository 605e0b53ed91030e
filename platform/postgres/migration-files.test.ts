import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { migrationChecksum, readMigrations } from './migration-files.ts';

async function folder(...files: string[]): Promise<string> {
  const dir = await temporaryDir();
  for (const file of files) await writeFile(join(dir, file), `-- ${file}\nSELECT 1;\n`);
  return dir;
}

it('reads numbered files in order and nothing else', async () => {
  const migrations = await readMigrations(await folder('0002-b.sql', '0001-a.sql', 'README.md'));
  expect(migrations.map(({ name }) => name)).toEqual(['0001-a', '0002-b']);
  expect(migrations[0]?.sql).toContain('SELECT 1;');
  expect(await readMigrations(await folder())).toEqual([]);
});

it.each([
  ['a gap', ['0001-a.sql', '0003-c.sql']],
  ['a number given twice', ['0001-a.sql', '0001-b.sql']],
  ['a start elsewhere', ['0000-a.sql']],
  ['another kind of name', ['0001-a.sql', '2-b.sql']],
])('refuses %s', async (_what, files) => {
  await expect(readMigrations(await folder(...files))).rejects.toMatchObject({
    code: 'MR_POSTGRES_MIGRATION_ORDER',
  });
});

it('has a checksum of what a file does, not of its comments and line ends', () => {
  const sum = (sql: string) => migrationChecksum({ name: '0001-a', sql });
  expect(sum('-- x\r\nSELECT 1;\r\n')).toBe(sum('SELECT 1;\n  -- y\n\n'));
  expect(sum('SELECT 1;')).not.toBe(sum('SELECT 2;'));
});
