import { createHash } from 'node:crypto';
import { MillraceError } from '../errors.ts';
import type { ClickHouse } from './port.ts';

export interface Migration {
  /** Unique; its number orders it: `0001-facts`. */
  readonly name: string;
  /** Statements that end with `;` at the end of a line. Each must be safe to repeat: IF NOT EXISTS. */
  readonly sql: string;
}

interface Step {
  readonly migration: string;
  /** Position of the statement from 1; {@link COMPLETE} closes the migration. */
  readonly step: number;
  readonly checksum: string;
}

const COMPLETE = 0;
const TABLE = 'schema_migrations';

const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS ${TABLE}
(
  migration String,
  step UInt16,
  checksum String,
  applied_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (migration, step)`;

/**
 * Applies what has not been applied, in the order given, and answers the names of those that changed something.
 *
 * ClickHouse has no transactional DDL, so each statement is recorded with its checksum after it ran: an interrupted run
 * goes on behind the last recorded statement and repeats at most one. A statement that failed may be corrected; one that
 * was applied may not.
 * @throws MillraceError MR_CLICKHOUSE_MIGRATION_CHANGED
 */
export async function migrate(
  clickhouse: ClickHouse,
  migrations: readonly Migration[],
  { now }: { readonly now: () => number },
): Promise<string[]> {
  await clickhouse.command(CREATE_TABLE);
  const steps = await clickhouse.query<Step & Record<string, unknown>>(
    `SELECT migration, step, checksum FROM ${TABLE} FINAL`,
  );
  const known = new Map(steps.map((step) => [stepKey(step.migration, step.step), step.checksum]));
  const applied: string[] = [];
  for (const migration of migrations) {
    if (await apply(clickhouse, migration, known, now)) applied.push(migration.name);
  }
  return applied;
}

/**
 * Names of the migrations that have not been applied, or not to their end. Changes nothing.
 * @throws MillraceError MR_CLICKHOUSE_MIGRATION_CHANGED
 */
export async function pendingMigrations(
  clickhouse: ClickHouse,
  migrations: readonly Migration[],
): Promise<readonly string[]> {
  const [table] = await clickhouse.query(
    'SELECT 1 FROM system.tables WHERE database = {d:String} AND name = {t:String}',
    {
      params: { d: clickhouse.database, t: TABLE },
    },
  );
  if (table === undefined) return migrations.map(({ name }) => name);
  const steps = await clickhouse.query<Step & Record<string, unknown>>(
    `SELECT migration, step, checksum FROM ${TABLE} FINAL WHERE step = ${COMPLETE}`,
  );
  const known = new Map(steps.map((step) => [step.migration, step.checksum]));
  return migrations
    .filter(({ name, sql }) => {
      const complete = known.get(name);
      if (complete !== undefined && complete !== checksum(statementsOf(sql).join('\n;\n')))
        throw changed(name, 'the file');
      return complete === undefined;
    })
    .map(({ name }) => name);
}

/** True when a statement ran. */
async function apply(
  clickhouse: ClickHouse,
  { name, sql }: Migration,
  known: ReadonlyMap<string, string>,
  now: () => number,
): Promise<boolean> {
  const statements = statementsOf(sql);
  const whole = checksum(statements.join('\n;\n'));
  const complete = known.get(stepKey(name, COMPLETE));
  if (complete === whole) return false;
  if (complete !== undefined) throw changed(name, 'the file');
  const record = (step: number, sum: string) =>
    clickhouse.insert(TABLE, [{ migration: name, step, checksum: sum, applied_at: now() }]);

  for (const [index, statement] of statements.entries()) {
    const before = known.get(stepKey(name, index + 1));
    const sum = checksum(statement);
    if (before === sum) continue;
    if (before !== undefined) throw changed(name, `statement ${index + 1}`);
    await clickhouse.command(statement);
    await record(index + 1, sum);
  }
  await record(COMPLETE, whole);
  return true;
}

/** The statements of a file, without comment lines. */
export function statementsOf(sql: string): readonly string[] {
  return sql
    .replaceAll('\r\n', '\n')
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('--'))
    .join('\n')
    .split(/;[ \t]*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

function stepKey(migration: string, step: number): string {
  return `${step} ${migration}`;
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function changed(migration: string, part: string): MillraceError {
  return new MillraceError(
    'MR_CLICKHOUSE_MIGRATION_CHANGED',
    `Migration ${migration} was changed after it had been applied: ${part} differs`,
    { context: { migration } },
  );
}
