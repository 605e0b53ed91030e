import type { AccountReader, TaskView } from '../audit/account-reader.ts';
import type { HashPair } from '../audit/hash-pair.ts';
import { followedBy, withoutVersion, type Known } from '../audit/known-rows.ts';
import type { JournalRow } from '../audit/row-journal.ts';
import { epochOf } from '../audit/task-account.ts';

/** What a task has said last of a key of a window table. */
export interface Claim {
  /** Hash of the row; undefined where the key was taken back. */
  readonly row: HashPair | undefined;
  readonly version: number;
  /** Log time of the commit, epoch ms. */
  readonly atMs: number;
}

/** What the tasks that write a window table have said of it. */
export interface TableClaims {
  readonly byKey: ReadonlyMap<string, Claim>;
  /** Whether every row that was ever said is among them, so that any other one is of nobody. */
  readonly isWhole: boolean;
  /** Tasks that may have written the table: all where no journal tells of any. */
  readonly writers: readonly TaskView[];
  /** Whether any event came too late to the tasks: then their clock had a say in what a window holds. */
  readonly hasLate: boolean;
}

/** The journals of all tasks by table. */
export function claimsOf(accounts: AccountReader): (table: string) => TableClaims {
  const byTable = new Map<string, Map<string, Known>>();
  for (const { table, rows, atMs } of accounts.takeRows()) {
    const byKey = byTable.get(table) ?? new Map<string, Known>();
    byTable.set(table, byKey);
    for (const said of rows) claim(byKey, said, atMs);
  }
  // A task whose journal is not whole may have written any table.
  const isWhole = accounts.tasks.every(
    ({ isJournalWhole, isUnused, mark }) => isUnused || (isJournalWhole && mark?.sinceMs === 0),
  );
  return (table) => {
    const writers = writersOf(table, { tasks: accounts.tasks, isWhole });
    const byKey = byTable.get(table) ?? new Map<string, Claim>();
    return { byKey, isWhole, writers, hasLate: writers.some(hadLate) };
  };
}

/** What a table has refused is claimed no longer: what was said of the key before is. */
function claim(byKey: Map<string, Known>, { key, row, version, isRefused }: JournalRow, atMs: number): void {
  const id = keyId(key);
  const newest = byKey.get(id);
  if (!isRefused) {
    if ((newest?.version ?? -1) > version) return;
    byKey.set(id, followedBy(newest, { version, row, atMs, saidMs: atMs, isProven: true }));
    return;
  }
  const left = newest === undefined ? undefined : withoutVersion(newest, version);
  if (left === undefined) byKey.delete(id);
  else byKey.set(id, left);
}

function writersOf(
  table: string,
  { tasks, isWhole }: { readonly tasks: readonly TaskView[]; readonly isWhole: boolean },
): readonly TaskView[] {
  if (!isWhole) return tasks;
  const names = new Set(tasks.flatMap(({ tables, subtopology }) => (tables.has(table) ? [subtopology] : [])));
  return tasks.filter(({ subtopology }) => names.has(subtopology));
}

/** The newest version that the tasks of a partition can have said; they have said none where it is undefined. */
export function newestVersion(claims: TableClaims, partition: number): number | undefined {
  const versions = versionsOf(claims, partition);
  return versions.length === 0 ? undefined : Math.max(...versions);
}

/**
 * Version of rows that no journal has: whatever any task of the partition says from its next start on is newer.
 */
export function versionOfOld(claims: TableClaims, partition: number): number {
  const versions = versionsOf(claims, partition);
  return versions.length === 0 ? 0 : epochOf(Math.min(...versions)) * 2 ** 40;
}

function versionsOf({ writers }: TableClaims, partition: number): readonly number[] {
  return writers.flatMap((task) =>
    task.partition === partition && task.mark !== undefined ? [task.mark.version] : [],
  );
}

export function keyId({ a, b }: HashPair): string {
  return `${a}.${b}`;
}

export function keyOfId(id: string): HashPair {
  const [a = 0, b = 0] = id.split('.').map(Number);
  return { a, b };
}

function hadLate({ inputs }: TaskView): boolean {
  return [...inputs.values()].some((ledger) =>
    ledger.buckets().some(({ digests }) => (digests.get('late')?.count ?? 0) > 0),
  );
}
