import { chunks } from '../audit/chunks.ts';
import { keyOfId, newestVersion, versionOfOld } from './claims.ts';
import { judgeOldRow } from './judge-old-row.ts';
import { matchStamp, stampedHash, type Stamp } from './match-stamp.ts';
import type { WindowRebuild } from './window-rebuild.ts';
import type { ComparedRow, RemadeRow, StampedRow } from './window-rows.ts';

export interface SolveOptions {
  /** From when on the log has everything, epoch ms; undefined where nothing has left it. */
  readonly logBeginsMs: number | undefined;
}

const AT_ONCE = 200;
/** Keys of a table for which the time of saying is looked for far and wide; each takes a tenth of a second. */
const MAX_SEARCHES = 300;
/** Emissions of a key that are tried far and wide. */
const MAX_TRIED = 3;
/** Tables whose keys, or values, follow the clock. */
const CLOCK_KEYS = new Set(['sessions', 'segment_trending_minute']);
const CLOCK_VALUES = new Set(['segment_trending_minute', 'order_life']);

/**
 * Puts rows of the second run in the place of those that are lost: where a journal knows the row, as its task said it, or
 * not at all; where none does any more, as {@link judgeOldRow} says.
 */
export async function solveFromRemade(rebuild: WindowRebuild, options: SolveOptions): Promise<void> {
  let stamped = await solveLost(rebuild);
  if (!rebuild.claims.isWhole) stamped += await solveOld(rebuild, options);
  await rebuild.repair.putFrom(rebuild.rows.stampedSelect(), stamped);
}

async function solveLost(rebuild: WindowRebuild): Promise<number> {
  const { rows, lost } = rebuild;
  const columns = rows.columns.map(({ name }) => name);
  const times = new Map<number, Set<number>>();
  let searches = 0;
  let stamped = 0;
  for (const ids of chunks([...lost.keys()], AT_ONCE)) {
    const emissions = groupById(await rows.emissions(ids.map(keyOfId)));
    const stamps: StampedRow[] = [];
    for (const id of ids) {
      const claim = lost.get(id);
      if (claim?.row === undefined) continue;
      const known = times.get(claim.atMs) ?? new Set();
      const search = { columns, version: claim.version, row: claim.row, atMs: claim.atMs, known };
      const tried = emissions.get(id) ?? [];
      const isThorough = tried.length > 0 && searches < MAX_SEARCHES;
      const match =
        firstMatch(tried, (cells) => matchStamp(cells, { ...search, isThorough: false })) ??
        (isThorough
          ? firstMatch(tried.slice(0, MAX_TRIED), (cells) => matchStamp(cells, { ...search, isThorough }))
          : undefined);
      if (match === undefined && isThorough) searches += 1;
      if (match === undefined) continue;
      times.set(claim.atMs, known.add(match.stamp.emittedAtMs));
      stamps.push(stampedRow(id, { ...match, version: claim.version }));
      await rebuild.found(id, claim.row);
    }
    await rows.addStamps(stamps);
    stamped += stamps.length;
  }
  return stamped;
}

async function solveOld(rebuild: WindowRebuild, { logBeginsMs }: SolveOptions): Promise<number> {
  const { rows, claims, report, repair, table } = rebuild;
  let stamped = 0;
  for (const slice of await rebuild.slices()) {
    const found = unclaimed(rebuild, await rows.found(slice));
    const remade = unclaimed(rebuild, await rows.remade(slice));
    const written: string[] = [];
    for (const id of new Set([...found.keys(), ...remade.keys()])) {
      const [old, made] = [found.get(id), remade.get(id)];
      const startMs = (old ?? made)?.startMs;
      const newest = old && newestVersion(claims, old.partition);
      const verdict = judgeOldRow({
        ...{ found: old?.values, remade: made?.values },
        isBeyond: old !== undefined && (newest === undefined || old.version > newest),
        isFromLog: logBeginsMs === undefined || (startMs !== undefined && startMs >= logBeginsMs),
        isByClock: claims.hasLate || CLOCK_VALUES.has(table),
        hasClockKeys: CLOCK_KEYS.has(table),
      });
      if (verdict === 'deleted') await repair.wrong(keyOfId(id), undefined);
      if (verdict === 'kept') report.rowsKept += 1;
      if (verdict === 'kept' || verdict === 'written') report.unproven += 1;
      if (verdict === 'written') written.push(id);
    }
    stamped += await writeOld(rebuild, { written, found });
  }
  return stamped;
}

/** Rows of before the journal, with versions that whatever their tasks say from now on replaces. */
async function writeOld(
  rebuild: WindowRebuild,
  {
    written,
    found,
  }: { readonly written: readonly string[]; readonly found: ReadonlyMap<string, ComparedRow> },
): Promise<number> {
  const { rows, claims, repair } = rebuild;
  const columns = rows.columns.map(({ name }) => name);
  for (const ids of chunks(written, AT_ONCE)) {
    const emissions = groupById(await rows.emissions(ids.map(keyOfId)));
    const stamps: StampedRow[] = [];
    for (const id of ids) {
      const [newest] = emissions.get(id) ?? [];
      if (newest === undefined) continue;
      const floor = versionOfOld(claims, newest.partition);
      const version = Math.min(floor, found.get(id)?.version ?? floor);
      const stamp = {
        emittedAtMs: Number(newest.cells[columns.indexOf('emitted_at')]),
        reason: newest.cells[columns.indexOf('reason')],
      };
      stamps.push(stampedRow(id, { emission: newest, stamp, version }));
      await repair.wrong(keyOfId(id), stampedHash(newest.cells, { columns, version }));
    }
    await rows.addStamps(stamps);
  }
  return written.length;
}

interface Match {
  readonly emission: RemadeRow;
  readonly stamp: Stamp;
}

function firstMatch(
  emissions: readonly RemadeRow[],
  match: (cells: readonly string[]) => Stamp | undefined,
): Match | undefined {
  for (const emission of emissions) {
    const stamp = match(emission.cells);
    if (stamp !== undefined) return { emission, stamp };
  }
  return undefined;
}

function stampedRow(
  id: string,
  { emission, stamp, version }: Match & { readonly version: number },
): StampedRow {
  const { emittedAtMs, reason = '' } = stamp;
  return { key: keyOfId(id), remadeVersion: emission.version, version, emittedAtMs, reason };
}

function unclaimed(
  { claims }: WindowRebuild,
  rows: readonly ComparedRow[],
): ReadonlyMap<string, ComparedRow> {
  return new Map(rows.flatMap((row) => (claims.byKey.has(row.id) ? [] : [[row.id, row] as const])));
}

function groupById(emissions: readonly RemadeRow[]): ReadonlyMap<string, readonly RemadeRow[]> {
  const groups = new Map<string, RemadeRow[]>();
  for (const emission of emissions) {
    const group = groups.get(emission.id);
    if (group === undefined) groups.set(emission.id, [emission]);
    else group.push(emission);
  }
  return groups;
}
