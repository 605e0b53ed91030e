import type { Migration } from '../../schemas/migrations.ts';
import { MillraceError } from '../errors.ts';
import { checkOrder, migrationChecksum, migrationNumber, misordered } from './migration-files.ts';
import type { LockSession, Postgres, Statements, Transaction } from './port.ts';

/** The tables of one service: each numbers its migrations from 0001 on. */
export interface MigrationSet {
  readonly service: string;
  readonly migrations: readonly Migration[];
}

export interface MigrationState {
  readonly name: string;
  /** `changed`: applied, and different since; `unknown`: applied by a newer version than this. */
  readonly state: 'applied' | 'pending' | 'changed' | 'unknown';
  readonly appliedAt?: Date;
}

/** Whole: also the wait while another process migrates. */
const DEFAULT_TIMEOUT_MS = 600_000;
const LOCK = 'schema-migrations';
const TABLE = 'schema_migrations';
const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS ${TABLE}
(
  service text NOT NULL,
  number integer NOT NULL,
  name text NOT NULL,
  checksum text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (service, number)
)`;

interface Applied {
  readonly number: number;
  readonly name: string;
  readonly checksum: string;
  readonly applied_at: Date;
}

/**
 * Applies what has not been applied, in order, and answers the names. Each file is one transaction together with its
 * record, under a lock: of processes that start at once, one applies and the others find it done. A file that failed has
 * left nothing and may be corrected; one that was applied may not.
 * @throws MillraceError MR_POSTGRES_MIGRATION_CHANGED, MR_POSTGRES_MIGRATION_ORDER
 */
export async function migratePostgres(
  postgres: Postgres,
  set: MigrationSet,
  { timeoutMs = DEFAULT_TIMEOUT_MS }: { readonly timeoutMs?: number } = {},
): Promise<string[]> {
  checkOrder(set.migrations);
  return postgres.withLock(LOCK, (session) => applyPending(session, set, timeoutMs), { timeoutMs });
}

async function applyPending(session: LockSession, set: MigrationSet, timeoutMs: number): Promise<string[]> {
  await session.execute(CREATE_TABLE);
  const done = await readApplied(session, set.service);
  for (const applied of done) checkApplied(applied, set);
  const pending = set.migrations.slice(done.length);
  for (const migration of pending) {
    await session.transaction((transaction) => apply(transaction, set.service, migration), { timeoutMs });
  }
  return pending.map(({ name }) => name);
}

function readApplied(statements: Statements, service: string): Promise<Applied[]> {
  return statements.query<Applied & Record<string, unknown>>(
    `SELECT number, name, checksum, applied_at FROM ${TABLE} WHERE service = $1 ORDER BY number`,
    [service],
  );
}

/** Records are only ever added one after the other, so their numbers have no gap either. */
function checkApplied(applied: Applied, { service, migrations }: MigrationSet): void {
  const migration = migrations[applied.number - 1];
  if (migration === undefined) {
    throw misordered(
      `The database has migration ${applied.name} of ${service}, which this version does not know`,
    );
  }
  if (isSame(applied, migration)) return;
  throw new MillraceError(
    'MR_POSTGRES_MIGRATION_CHANGED',
    `Migration ${migration.name} of ${service} was changed after it had been applied`,
    { context: { service, migration: migration.name, applied: applied.name } },
  );
}

function isSame(applied: Applied, migration: Migration): boolean {
  return applied.name === migration.name && applied.checksum === migrationChecksum(migration);
}

async function apply(transaction: Transaction, service: string, migration: Migration): Promise<void> {
  const before = await transactionId(transaction);
  await transaction.script(migration.sql);
  if ((await transactionId(transaction)) !== before) {
    throw misordered(
      `Migration ${migration.name} ends the transaction that it runs in: leave out COMMIT and ROLLBACK`,
    );
  }
  await transaction.execute(
    `INSERT INTO ${TABLE} (service, number, name, checksum) VALUES ($1, $2, $3, $4)`,
    [service, migrationNumber(migration.name), migration.name, migrationChecksum(migration)],
  );
}

async function transactionId(transaction: Transaction): Promise<unknown> {
  const [row] = await transaction.query('SELECT pg_current_xact_id() AS id');
  return row?.['id'];
}

/** What stands in the database beside the files; changes nothing. */
export async function migrationStatus(postgres: Postgres, set: MigrationSet): Promise<MigrationState[]> {
  const [found] = await postgres.query('SELECT to_regclass($1) IS NOT NULL AS there', [TABLE]);
  const done = found?.['there'] === true ? await readApplied(postgres, set.service) : [];
  const states = set.migrations.map((migration, index): MigrationState => {
    const applied = done[index];
    if (applied === undefined) return { name: migration.name, state: 'pending' };
    const state = isSame(applied, migration) ? 'applied' : 'changed';
    return { name: migration.name, state, appliedAt: applied.applied_at };
  });
  const unknown = done
    .slice(set.migrations.length)
    .map(({ name, applied_at }): MigrationState => ({ name, state: 'unknown', appliedAt: applied_at }));
  return [...states, ...unknown];
}
