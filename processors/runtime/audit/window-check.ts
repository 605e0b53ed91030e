import type { ClickHouse } from '../../../platform/clickhouse/port.ts';
import { SHORTEST_TTL_DAYS, VERSIONED_TABLES } from '../../../schemas/tables.ts';
import type { AccountReader, JournalChunk, TaskView } from './account-reader.ts';
import { columnsOf } from './fact-table.ts';
import type { AuditCheck, AuditLine, CheckResult, Finding, FindingKind } from './finding.ts';
import type { HashPair } from './hash-pair.ts';
import { followedBy, withoutVersion, type Known } from './known-rows.ts';
import { epochOf, type CommitMark } from './task-account.ts';
import { rowCounts, SLICES, WindowTable, type WindowRow } from './window-table.ts';

export interface WindowCheckOptions {
  readonly clickhouse: ClickHouse;
  readonly accounts: AccountReader;
  readonly now: () => number;
  /** Rows that one pass reads of a table at most, and rows that are remembered of one. */
  readonly maxRows: number;
  readonly maxRemembered: number;
  /** Only this table. */
  readonly table?: string;
}

/** What is known of a table. */
interface Memory {
  readonly known: Map<string, Known>;
  /** Slices whose rows were read once. */
  readonly begun: Set<number>;
  /** Keys whose only known row was refused: what else the table has of them is not known. */
  readonly reopened: Set<string>;
  readonly checkedAtMs: number[];
  /** Slices that the last run looked at. */
  chosen: readonly number[];
  /** Rows that are newer than what was committed, and since when they are. */
  ahead: Map<string, number>;
  /** Whether keys were forgotten to stay within bounds. */
  hasForgotten: boolean;
}

/** A row that is newer than its task's last commit belongs to one under way, for so long at most once the task has gone on. */
const AHEAD_MS = 20_000;
/** A row of a commit that failed is written anew by the next start of its task, early on. */
const ORPHAN_MS = 60_000;
const TTL_MS = (SHORTEST_TTL_DAYS - 1) * 86_400_000;
const MAX_FINDINGS = 50;

/**
 * Holds the newest row of each key of the window tables against what tasks said in their journals. Rows from before the
 * journal are taken as they are found first; from then on they too change only with what a task says.
 */
export class WindowCheck implements AuditCheck {
  readonly name = 'windows';
  readonly #options: WindowCheckOptions;
  readonly #memories = new Map<string, Memory>();
  readonly #tables = new Map<string, WindowTable>();

  constructor(options: WindowCheckOptions) {
    this.#options = options;
  }

  async run({ isAgain }: { readonly isAgain: boolean }): Promise<CheckResult> {
    const { accounts, clickhouse } = this.#options;
    const counts = await rowCounts(clickhouse);
    for (const chunk of accounts.takeRows()) this.#take(chunk);
    const findings: Finding[] = [];
    const lines: AuditLine[] = [];
    for (const name of Object.keys(VERSIONED_TABLES)) {
      if (this.#options.table !== undefined && this.#options.table !== name) continue;
      findings.push(
        ...(await this.#check(await this.#table(name), { rows: counts.get(name) ?? 0, isAgain })),
      );
      lines.push(this.#line(name));
    }
    return { findings, lines };
  }

  async #table(name: string): Promise<WindowTable> {
    const known = this.#tables.get(name);
    if (known !== undefined) return known;
    const { clickhouse } = this.#options;
    const shape = VERSIONED_TABLES[name] ?? { key: [] };
    const columns = await columnsOf(clickhouse, name);
    const table = new WindowTable(clickhouse, { table: name, shape, columns });
    this.#tables.set(name, table);
    return table;
  }

  #memory(table: string): Memory {
    let memory = this.#memories.get(table);
    if (memory === undefined) {
      const checkedAtMs = Array.from({ length: SLICES }, () => 0);
      const known = new Map<string, Known>();
      memory = {
        ...{ known, begun: new Set(), reopened: new Set(), checkedAtMs, chosen: [], ahead: new Map() },
        hasForgotten: false,
      };
      this.#memories.set(table, memory);
    }
    return memory;
  }

  #take({ table, rows, atMs: saidMs }: JournalChunk): void {
    const memory = this.#memory(table);
    const { known } = memory;
    const atMs = this.#options.now();
    for (const { key, row, version, isRefused } of rows) {
      const id = idOf(key);
      const newest = known.get(id);
      if (isRefused) withdraw(id, version, memory);
      if (isRefused || (newest?.version ?? -1) > version) continue;
      known.delete(id); // what was said last is forgotten last
      known.set(id, followedBy(newest, { version, row, isProven: true, atMs, saidMs }));
    }
    this.#forget(table);
  }

  #forget(table: string): void {
    const memory = this.#memory(table);
    for (const id of memory.known.keys()) {
      if (memory.known.size <= this.#options.maxRemembered) return;
      memory.known.delete(id);
      memory.hasForgotten = true;
    }
  }

  async #check(
    table: WindowTable,
    { rows, isAgain }: { readonly rows: number; readonly isAgain: boolean },
  ): Promise<Finding[]> {
    const memory = this.#memory(table.table);
    const writers = this.#options.accounts.tasks.filter(({ tables }) => tables.has(table.table));
    const slices = isAgain ? memory.chosen : this.#choose(rows, memory);
    memory.chosen = slices;
    const missing = new Map([...memory.known].filter(([id]) => slices.includes(sliceOf(id))));
    const suspects: Suspect[] = [];
    const ahead = new Map(
      [...memory.ahead].filter(([id]) => !slices.includes(sliceOf(id.split('@')[0] ?? ''))),
    );
    for (const row of await table.rows(slices)) {
      const id = idOf(row.key);
      missing.delete(id);
      const judged = this.#judge(row, { id, memory, writers, ahead });
      if (judged !== undefined) suspects.push(judged);
    }
    memory.ahead = ahead;
    const nowMs = this.#options.now();
    for (const slice of slices) {
      memory.begun.add(slice);
      memory.checkedAtMs[slice] = nowMs;
    }
    for (const id of memory.reopened) if (slices.includes(sliceOf(id))) memory.reopened.delete(id);
    for (const [id, { row, version, atMs }] of missing) {
      if (row === undefined || atMs < nowMs - TTL_MS) memory.known.delete(id);
      else suspects.push({ key: keyOf(id), kind: 'gap', partition: null, version, reason: 'it is missing' });
    }
    this.#forget(table.table);
    return Promise.all(suspects.slice(0, MAX_FINDINGS).map((suspect) => finding(table, suspect)));
  }

  /** Slices of a large table take turns. */
  #choose(rows: number, { checkedAtMs }: Memory): readonly number[] {
    const count = Math.max(1, Math.min(SLICES, Math.floor((SLICES * this.#options.maxRows) / (rows + 1))));
    const byAge = checkedAtMs.map((atMs, slice) => ({ atMs, slice })).sort((x, y) => x.atMs - y.atMs);
    return byAge.slice(0, count).map(({ slice }) => slice);
  }

  #judge(row: WindowRow, state: Judging): Suspect | undefined {
    const { id, memory } = state;
    const known = memory.known.get(id);
    const { key, partition, version } = row;
    const base = { key, partition, version };
    if (known === undefined) return this.#unknown(row, state);
    if (version > known.version) return this.#ahead(row, state);
    if (version < known.version)
      return {
        ...base,
        kind: 'gap',
        reason: `its task has written version ${known.version}, and ${version} is there`,
      };
    if (known.row === undefined)
      return { ...base, kind: 'foreign', reason: 'its task has taken the row back' };
    if (known.row.a === row.row.a && known.row.b === row.row.b) return undefined;
    return { ...base, kind: 'altered', reason: 'its task has written something else with this version' };
  }

  #unknown(row: WindowRow, state: Judging): Suspect | undefined {
    const { id, memory, writers } = state;
    const isWhole =
      !memory.hasForgotten &&
      writers.every(({ isJournalWhole, mark }) => isJournalWhole && mark?.sinceMs === 0);
    const isBegun = memory.begun.has(sliceOf(id)) && !memory.reopened.has(id);
    if (isBegun || isWhole) return this.#ahead(row, state);
    const atMs = row.emittedAtMs;
    const found = { version: row.version, row: row.row, isProven: false, atMs, saidMs: 0 };
    memory.known.set(id, followedBy(undefined, found));
    return undefined;
  }

  /** A row that no journal has yet: of a commit under way, of one that failed and is made again, or of nobody. */
  #ahead(row: WindowRow, { id, memory, writers, ahead }: Judging): Suspect | undefined {
    const { key, version, partition } = row;
    const marks = writers.flatMap(({ mark, partition: own }) => (own === partition && mark ? [mark] : []));
    const isOrphan = marks.some((mark) => epochOf(mark.version) > epochOf(version));
    const place = `${id}@${version}${isOrphan ? '@' : ''}`;
    const nowMs = this.#options.now();
    const sinceMs = memory.ahead.get(place) ?? nowMs;
    ahead.set(place, sinceMs);
    if (marks.length === 0) return undefined;
    const isCopy =
      !memory.known.has(id) && [...memory.known.values()].some((other) => other.version === version);
    const isPast = (mark: CommitMark) =>
      epochOf(mark.version) === epochOf(version) && mark.version >= version;
    // Tasks of two sub-topologies may write one table: which of them counts is known of a copy only.
    const isJudged = isCopy ? marks.some(isPast) : marks.every(isPast);
    const hasWaited = nowMs - sinceMs >= (isOrphan ? ORPHAN_MS : AHEAD_MS);
    if (!isJudged && !(hasWaited && marks.every(({ atMs }) => atMs > sinceMs))) return undefined;
    const kind: FindingKind = isCopy ? 'duplicate' : 'foreign';
    const reason = `no task has written a row of version ${version} there`;
    return { key, partition, version, kind, reason };
  }

  #line(table: string): AuditLine {
    const { known, checkedAtMs } = this.#memory(table);
    const rows = [...known.values()].filter(({ row }) => row !== undefined);
    return {
      ...{ store: 'clickhouse', what: table, partition: null, there: rows.length },
      checkedAtMs: Math.min(...checkedAtMs),
      unproven: rows.filter(({ isProven }) => !isProven).length,
    };
  }
}

interface Judging {
  readonly id: string;
  readonly memory: Memory;
  readonly writers: readonly TaskView[];
  readonly ahead: Map<string, number>;
}

interface Suspect {
  readonly key: HashPair;
  readonly kind: FindingKind;
  readonly partition: number | null;
  readonly version: number;
  readonly reason: string;
}

/** The row of a version was refused: what was known of its key before is what must be there. */
function withdraw(id: string, version: number, { known, reopened }: Memory): void {
  const newest = known.get(id);
  if (newest === undefined) return;
  const left = withoutVersion(newest, version);
  if (left !== undefined) {
    known.set(id, left);
    return;
  }
  known.delete(id);
  reopened.add(id);
}

async function finding(table: WindowTable, suspect: Suspect): Promise<Finding> {
  const { key, kind, partition, version, reason } = suspect;
  const emission = version % 2 ** 40;
  const place = (await table.keyText(key)) ?? `epoch ${epochOf(version)}, emission ${emission}`;
  return { store: 'clickhouse', kind, what: table.table, partition, count: 1, place, reason };
}

function idOf({ a, b }: HashPair): string {
  return `${a}.${b}`;
}

function keyOf(id: string): HashPair {
  const [a = 0, b = 0] = id.split('.').map(Number);
  return { a, b };
}

function sliceOf(id: string): number {
  return keyOf(id).a % SLICES;
}
