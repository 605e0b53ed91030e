import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { hasCode, MillraceError } from '../../../../platform/errors.ts';
import type { LogReader } from '../../../../platform/kafka/log-reader.ts';
import { changelogTopic } from '../../../../schemas/topics.ts';
import { channelsOf, topologyHash, type Application, type Channel } from '../application.ts';
import { recordsOf, type LogRange } from '../changelogs.ts';
import { readCounter } from '../export-state.ts';
import { findLive, liveRecords, type LiveState } from '../live-entries.ts';
import { syncFolder, writeFault, writeNewFile } from '../new-file.ts';
import { takeCut, type Cut } from './cut.ts';
import {
  emptyManifest,
  MANIFEST,
  manifestText,
  savedMeta,
  type Manifest,
  type SavedChannel,
  type SavedTask,
} from './manifest.ts';
import { writeLines } from './saved-file.ts';
import { savedLine } from './saved-record.ts';

export interface TakeOptions {
  readonly log: LogReader;
  readonly application: Application;
  /** A folder that does not exist yet. */
  readonly dir: string;
  readonly now: () => number;
  /** Told how far it is, in offsets; starts again where the state moved. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Copies that were outrun by compaction before it gives up. */
const ATTEMPTS = 4;

/**
 * Writes a savepoint: the state of every task as of one moment of the application, and what its channels held then and
 * nobody had read. It appears under its name when it is whole and on disk.
 * @throws MillraceError MR_SAVEPOINT_EXISTS, MR_STATE_NOT_FOUND, MR_STATE_MOVED, MR_STATE_REPLACING, MR_DISK_TOO_SMALL,
 * MR_FOLDER_UNUSABLE
 */
export async function takeSavepoint(options: TakeOptions): Promise<Manifest> {
  const dir = resolve(options.dir);
  if (existsSync(dir))
    throw new MillraceError('MR_SAVEPOINT_EXISTS', `${dir} exists already`, { context: { dir } });
  const partial = `${dir}.partial-${process.pid}`;
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        const manifest = await new Taking(options, partial).run();
        await rename(partial, dir);
        await syncFolder(dirname(dir));
        return manifest;
      } catch (error) {
        if (attempt === ATTEMPTS || !hasCode(error, 'MR_STATE_MOVED')) throw error;
      }
    }
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw writeFault(error, dir);
  }
}

/** One attempt. */
class Taking {
  readonly #options: TakeOptions;
  readonly #dir: string;
  readonly #channels: readonly Channel[];
  #done = 0;
  #total = 0;

  constructor(options: TakeOptions, dir: string) {
    this.#options = options;
    this.#dir = dir;
    this.#channels = channelsOf(options.application);
  }

  async run(): Promise<Manifest> {
    const { application, now } = this.#options;
    await rm(this.#dir, { recursive: true, force: true });
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const takenAt = new Date(now()).toISOString();
    const cut = await this.#cut();
    const { name, groupId, namespace, subtopologies } = application;
    const partitions = Object.fromEntries(
      subtopologies.map((subtopology) => [
        subtopology.name,
        cut.get(changelogTopic(namespace, subtopology.name))?.length ?? 0,
      ]),
    );
    const about = { application: name, groupId, namespace, topology: topologyHash(application) };
    const manifest = emptyManifest({ ...about, takenAt, partitions });
    const positions = new Map<string, number>();
    for (const subtopology of Object.keys(partitions))
      manifest.tasks.push(...(await this.#saveTasks(subtopology, cut, positions)));
    for (const channel of this.#channels)
      manifest.channels.push(...(await this.#saveChannel(channel, cut, positions)));
    await writeNewFile(join(this.#dir, MANIFEST), text(manifestText(manifest)));
    await syncFolder(this.#dir);
    return manifest;
  }

  /** @throws MillraceError MR_STATE_NOT_FOUND where the application has no state */
  async #cut(): Promise<Cut> {
    const { log, application } = this.#options;
    const { namespace, subtopologies } = application;
    const there = new Set(await log.topicNames());
    const changelogs = subtopologies.map(({ name }) => changelogTopic(namespace, name));
    const topics = [...changelogs, ...this.#channels.map(({ name }) => name)].filter((t) => there.has(t));
    const cut = await takeCut(log, topics);
    const offsets = changelogs.flatMap((topic) => cut.get(topic) ?? []);
    if (offsets.every(({ start, end }) => start >= end))
      throw new MillraceError('MR_STATE_NOT_FOUND', 'the application has no state to save', {
        context: { namespace },
      });
    // Each changelog is read twice.
    this.#total = offsets.reduce((sum, { start, end }) => sum + 2 * (end - start), 0);
    return cut;
  }

  async #saveTasks(subtopology: string, cut: Cut, positions: Map<string, number>): Promise<SavedTask[]> {
    const topic = changelogTopic(this.#options.application.namespace, subtopology);
    const tasks: SavedTask[] = [];
    for (const range of cut.get(topic) ?? []) {
      const { partition } = range;
      const live = await findLive(this.#options.log, { topic, ...range }, this.#counter({ topic, ...range }));
      if (live === undefined) continue;
      for (const [input, offset] of Object.entries(live.meta.positions))
        positions.set(`${input}/${partition}`, offset);
      const file = `task-${subtopology}-${partition}.jsonl.gz`;
      const written = await writeLines(join(this.#dir, file), this.#entryLines(live));
      const meta = savedMeta(live.meta);
      tasks.push({ subtopology, partition, meta, entries: live.offsets.size, file, ...written });
    }
    return tasks;
  }

  /** What the reader of a channel has still to read. */
  async #saveChannel(
    { topic, name }: Channel,
    cut: Cut,
    positions: ReadonlyMap<string, number>,
  ): Promise<SavedChannel[]> {
    const saved: SavedChannel[] = [];
    for (const { partition, start, end } of cut.get(name) ?? []) {
      const from = Math.max(start, positions.get(`${topic}/${partition}`) ?? start);
      if (from >= end) continue;
      const file = `channel-${topic}-${partition}.jsonl.gz`;
      let records = 0;
      const lines = this.#recordLines({ topic: name, partition, start: from, end }, () => records++);
      const written = await writeLines(join(this.#dir, file), lines);
      saved.push({ topic, partition, records, file, ...written });
    }
    return saved;
  }

  async *#entryLines(live: LiveState): AsyncGenerator<string> {
    for await (const record of liveRecords(this.#options.log, live, this.#counter(live.range)))
      yield savedLine(record);
  }

  async *#recordLines(range: LogRange, onRecord: () => void): AsyncGenerator<string> {
    for await (const records of recordsOf(this.#options.log, range)) {
      for (const record of records) {
        onRecord();
        yield savedLine(record);
      }
    }
  }

  #counter(range: LogRange): (offset: number) => void {
    return readCounter(range, (offsets) => this.#options.onProgress?.((this.#done += offsets), this.#total));
  }
}

async function* text(content: string): AsyncGenerator<string> {
  yield content;
}
