import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { syncDirectory } from './segment-writer.ts';

/**
 * What a repair replaces is kept in `damaged/<time>/` beside the segments. `plan.json` stands there while the repair runs:
 * whoever finds it puts the old files back before anything else.
 */
const DAMAGED = 'damaged';
const PLAN = 'plan.json';

interface Plan {
  /** Names of the files that the repair replaces. */
  readonly files: readonly string[];
  readonly newestId: number;
}

/** Path of the plan of a repair that did not come to its end. */
export function unfinishedRepair(dir: string): string | undefined {
  const damaged = join(dir, DAMAGED);
  if (!existsSync(damaged)) return undefined;
  return readdirSync(damaged)
    .map((name) => join(damaged, name, PLAN))
    .find((path) => existsSync(path));
}

/** Puts aside the files that will be replaced; answers the folder. */
export function putAside(dir: string, name: string, plan: Plan): string {
  const folder = join(dir, DAMAGED, name);
  mkdirSync(folder, { recursive: true });
  writeDurably(join(folder, PLAN), JSON.stringify(plan));
  for (const file of plan.files) linkOrCopy(join(dir, file), join(folder, file));
  for (const path of [folder, join(dir, DAMAGED), dir]) syncDirectory(path);
  return folder;
}

/** The repair is whole: from here on its report stands where the plan stood. */
export function finishRepair(folder: string, report: unknown): void {
  writeDurably(join(folder, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  rmSync(join(folder, PLAN));
  syncDirectory(folder);
}

/** Takes back what an unfinished repair did. */
export function rollBackRepair(dir: string, planPath: string): void {
  const folder = join(planPath, '..');
  const plan = JSON.parse(readFileSync(planPath, 'utf8')) as Plan;
  for (const file of plan.files) {
    const kept = join(folder, file);
    if (!existsSync(kept)) continue;
    const temporary = join(dir, `${file}.tmp`);
    rmSync(temporary, { force: true });
    linkOrCopy(kept, temporary);
    renameSync(temporary, join(dir, file));
  }
  for (const name of readdirSync(dir))
    if (/^\d{16}\.(log|idx)$/.test(name) && Number(name.slice(0, 16)) > plan.newestId)
      rmSync(join(dir, name));
  syncDirectory(dir);
  rmSync(folder, { recursive: true });
  syncDirectory(join(dir, DAMAGED));
}

function writeDurably(path: string, text: string): void {
  const temporary = `${path}.tmp`;
  const fd = openSync(temporary, 'w');
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
}

/** Some file systems have no hard links. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
