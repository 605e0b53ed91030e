import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Block } from './block-builder.ts';
import type { LostRange, MovedOffset } from './cut.ts';
import { lockDirectory } from '../../directory-lock.ts';
import type { FrameBlock } from './frame.ts';
import { folderFault } from '../../folder-fault.ts';
import { LogState } from './log-state.ts';
import type { SegmentNote } from './meta-operation.ts';
import { noteOf, startSegment } from './recovery.ts';
import { finishRepair, putAside, rollBackRepair, unfinishedRepair } from './repair-folder.ts';
import { planRepair, type RepairPlan, type Replacement } from './repair-plan.ts';
import { fileName, indexName, segmentOf, type Fault } from './segment-survey.ts';
import { SegmentWriter, syncDirectory } from './segment-writer.ts';
import { newIdentity, removeSegmentFiles, segmentPath, type SegmentIdentity } from './segment.ts';

export interface RepairOptions {
  readonly dir: string;
  /** Only tells what it would do. */
  readonly dryRun: boolean;
  readonly now: () => number;
}

export interface RepairReport {
  readonly faults: readonly Fault[];
  readonly lost: readonly LostRange[];
  readonly movedBack: readonly MovedOffset[];
  /** Bytes of which nobody can tell what records they held. */
  readonly unknownBytes: number;
  readonly isRepaired: boolean;
  /** Where the replaced files are kept. */
  readonly keptIn: string | undefined;
  /** Whether the work of an earlier repair that was cut short was taken back, or would be. */
  readonly rolledBack: boolean;
}

/**
 * Cuts a damaged log back to what is whole and leaves one that opens; see `Cut` for what stays. Every file that it
 * replaces is kept in `damaged/`. Does nothing to a log without damage. Rejects with MR_EMBEDDED_IN_USE while a process
 * has the log open.
 */
export async function repairLog(options: RepairOptions): Promise<RepairReport> {
  const dir = resolve(options.dir);
  if (!existsSync(dir)) return nothing;
  try {
    const lock = await lockDirectory(dir);
    try {
      return await repairLocked(dir, options);
    } finally {
      await lock.release();
    }
  } catch (error) {
    throw folderFault(error, dir);
  }
}

const nothing: RepairReport = {
  ...{ faults: [], lost: [], movedBack: [], unknownBytes: 0 },
  ...{ isRepaired: false, keptIn: undefined, rolledBack: false },
};

async function repairLocked(dir: string, options: RepairOptions): Promise<RepairReport> {
  const unfinished = unfinishedRepair(dir);
  if (unfinished !== undefined) {
    const what = 'a repair did not come to its end; the next one begins anew';
    const fault = { file: unfinished, position: 0, bytes: statSync(unfinished).size, what };
    if (options.dryRun) return { ...nothing, faults: [fault], rolledBack: true };
    rollBackRepair(dir, unfinished);
  }
  const plan = await planRepair(dir);
  const { faults, lost, movedBack, unknownBytes } = plan;
  const rolledBack = unfinished !== undefined;
  const report = { faults, lost, movedBack, unknownBytes, isRepaired: false, keptIn: undefined, rolledBack };
  if (options.dryRun || faults.length === 0) return report;
  return { ...report, isRepaired: true, keptIn: await carryOut(dir, plan, new Date(options.now())) };
}

async function carryOut(dir: string, plan: RepairPlan, at: Date): Promise<string> {
  const { faults, lost, movedBack, unknownBytes } = plan;
  const ids = [...plan.untouched, ...plan.replacements.map(({ identity }) => identity)].map(({ id }) => id);
  const newestId = Math.max(
    0,
    ...ids,
    ...faults.map(({ file }) => Number(/(\d{16})\.\w+$/.exec(file)?.[1] ?? 0)),
  );
  const files = filesToReplace(dir, plan, newestId);
  const folder = putAside(dir, at.toISOString().replaceAll(':', '-'), { files, newestId });
  const notes: SegmentNote[] = plan.untouched.map((identity) => untouchedNote(dir, identity));
  for (const replacement of plan.replacements) {
    const note = await replace(dir, replacement);
    if (note !== undefined) notes.push(note);
  }
  for (const file of files) if (file.endsWith('.idx')) rmSync(join(dir, file), { force: true });
  for (const file of plan.covered) removeSegmentFiles(dir, Number(file.slice(0, 16)));
  const state = new LogState();
  state.apply({ op: 'snapshot', state: { ...plan.state, segments: notes.sort((a, b) => a.id - b.id) } });
  const active = segmentOf(dir, newIdentity(newestId + 1));
  (await startSegment(active, state, { fsync: true })).close();
  syncDirectory(dir);
  finishRepair(folder, { at: at.toISOString(), faults, lost, movedBack, unknownBytes });
  return folder;
}

function filesToReplace(dir: string, plan: RepairPlan, newestId: number): string[] {
  const replaced = plan.replacements.flatMap(({ identity }) => [
    fileName(identity.id),
    indexName(dir, identity.id) ?? '',
  ]);
  const indexes = plan.faults
    .map(({ file }) => file)
    .filter((file) => file.endsWith('.idx'))
    .map((file) => file.slice(-20));
  // Those beyond the newest segment belong to segments that are missing.
  const orphan = indexName(dir, newestId) ?? '';
  const names = [...replaced, ...indexes, ...plan.covered, orphan].filter(
    (name) => name !== '' && existsSync(join(dir, name)),
  );
  return [...new Set(names)];
}

function untouchedNote(dir: string, identity: SegmentIdentity): SegmentNote {
  const { id, nonce } = identity;
  return { id, nonce, bytes: statSync(segmentPath(dir, id)).size };
}

/** Writes what stays of a segment under its own name. */
async function replace(dir: string, { identity, frames }: Replacement): Promise<SegmentNote | undefined> {
  const path = segmentPath(dir, identity.id);
  if (frames.length === 0) {
    removeSegmentFiles(dir, identity.id);
    return undefined;
  }
  const bytes = readFileSync(path);
  const segment = segmentOf(dir, newIdentity(identity.id, identity.coversTo));
  const writer = SegmentWriter.create(segment, { fsync: true, isDraft: true });
  for (const blocks of frames) {
    writer.note(
      await writer.append(
        blocks.map((block) => blockOf(block, bytes)),
        [],
      ),
    );
  }
  await writer.publish();
  writer.close();
  return noteOf(segment);
}

function blockOf(block: FrameBlock, bytes: Buffer): Block {
  return { ...block, payload: bytes.subarray(block.position, block.position + block.length) };
}
