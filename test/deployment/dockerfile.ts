/**
 * Reads a Dockerfile and carries out, in ordinary folders, what its stages copy and run, so that an image can be
 * rehearsed where no container engine is. Base images, users and anything outside the working folder are left out: the
 * Node.js of this machine stands in for that of the image.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

export interface Instruction {
  /** `COPY`, `RUN` … */
  readonly keyword: string;
  readonly text: string;
}

export interface ImageStage {
  /** `build` of `FROM node AS build`; empty for the last stage. */
  readonly name: string;
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

/** The stages in order. Comments go, continued lines are joined. */
export function readDockerfile(text: string): readonly ImageStage[] {
  const lines = text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const stages: { name: string; base: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [keyword = '', ...rest] = line.split(/\s+/);
    if (keyword === 'FROM') {
      stages.push({ base: rest[0] ?? '', name: rest[2] ?? '', instructions: [] });
    } else {
      const stage = stages.at(-1);
      if (stage === undefined) throw new Error(`an instruction before the first FROM: ${line}`);
      stage.instructions.push({ keyword, text: rest.join(' ') });
    }
  }
  return stages;
}

/** Whether a .dockerignore keeps a path out of the build: names, folders, `*` within one, `**` across them. */
export function isIgnored(ignore: string, path: string): boolean {
  return ignore
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .some((pattern) => {
      const source = pattern
        .replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')
        .replaceAll('**/', '\0')
        .replaceAll('*', '[^/]*')
        .replaceAll('\0', '(?:.*/)?');
      return new RegExp(`^${source}(?:/.*)?$`).test(path);
    });
}

export interface Rehearsal {
  /** Folder of the checkout. */
  readonly context: string;
  /** Files of the checkout that a build would be sent, relative. */
  readonly files: readonly string[];
  /** An empty folder; each stage gets one in it. */
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Carries out every stage; the answer is the working folder of the last one. */
export async function rehearse(stages: readonly ImageStage[], rehearsal: Rehearsal): Promise<string> {
  let folder = '';
  for (const [index, stage] of stages.entries()) {
    folder = join(rehearsal.root, stage.name === '' ? `stage-${index}` : stage.name);
    await mkdir(folder, { recursive: true });
    for (const instruction of stage.instructions) await carryOut(instruction, folder, rehearsal);
  }
  return folder;
}

async function carryOut({ keyword, text }: Instruction, folder: string, rehearsal: Rehearsal): Promise<void> {
  if (keyword === 'COPY') await copy(text, folder, rehearsal);
  if (keyword === 'RUN' && text.startsWith('npm ')) {
    await promisify(execFile)('sh', ['-c', text], {
      cwd: folder,
      env: rehearsal.env,
      maxBuffer: 64 * 1024 * 1024,
    });
  }
}

async function copy(text: string, folder: string, { context, files, root }: Rehearsal): Promise<void> {
  const words = text.split(' ');
  const from = words[0]?.startsWith('--from=') === true ? words.shift()?.slice('--from='.length) : undefined;
  const target = words.pop() ?? '.';
  for (const source of words) {
    if (from !== undefined) {
      const path = join(root, from, source.replace(/^\/app\//, ''));
      await cp(path, join(folder, target), { recursive: true, verbatimSymlinks: true });
    } else if (source === '.') {
      for (const file of files) await copyFile(join(context, file), join(folder, target, file));
    } else {
      await copyFile(join(context, source), join(folder, target, source));
    }
  }
}

async function copyFile(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await cp(source, target);
}
