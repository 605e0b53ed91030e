import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Row } from '../../../platform/clickhouse/port.ts';
import { openEmbeddedLog } from '../../../platform/kafka/embedded/index.ts';
import type { Kafka } from '../../../platform/kafka/port.ts';
import type { Logger } from '../../../platform/log.ts';
import { namespaced, topicsOf } from '../../../schemas/topics.ts';
import { StreamRunner, type RunnerOptions } from '../run/runner.ts';
import type { RowWriter } from '../task/sinks.ts';
import type { Subtopology } from '../topology.ts';
import { discardingStore } from './discarding-store.ts';

export interface SecondRunOptions {
  /** The log of the application. */
  readonly kafka: Kafka;
  readonly namespace: string;
  readonly groupId: string;
  /** To be run: those that write what is wanted, and those that feed them. */
  readonly subtopologies: readonly Subtopology[];
  readonly dataDir: string;
  readonly minFreeBytes: number;
  /** When the application said something last, epoch ms: its clock goes on from there in the second run. */
  readonly endedAtMs: number;
  readonly settings: Pick<RunnerOptions, 'watermark' | 'commitIntervalMs'>;
  readonly log: Logger;
  /** Takes rows of versioned tables; resolves when they are kept. */
  readonly onRows: (table: string, rows: readonly Row[]) => Promise<void>;
  readonly onStep: (text: string) => void;
}

const FOLDER = 'rebuild-tables';
const GROUP = 'rebuild-tables';
const COPY_RECORDS = 2000;
const POLL_MS = 200;
const TELL_MS = 5000;
const FOR_EVER = '-1';

/**
 * Runs sub-topologies over what the application has read, from the beginning of the log to its committed offsets, and
 * gives the rows that they say. Everything that they write is in an embedded log of its own, in a folder of its own, to
 * which the inputs are copied first: nothing of the application is touched, and the end of the inputs is where it stands.
 */
export async function secondRun(options: SecondRunOptions): Promise<void> {
  const { dataDir, minFreeBytes, log } = options;
  const dir = join(dataDir, FOLDER);
  await clearSecondRun(dataDir);
  const shiftMs = Date.now() - options.endedAtMs;
  const now = () => Date.now() - shiftMs;
  const copy = await openEmbeddedLog({ dir, log, fsync: false, minFreeBytes, now });
  try {
    await copyInputs(copy, options);
    await run(copy, { ...options, now });
  } finally {
    await copy.close();
    await clearSecondRun(dataDir);
  }
}

/** Removes what a second run that was cut off has left. */
export async function clearSecondRun(dataDir: string): Promise<void> {
  await rm(join(dataDir, FOLDER), { recursive: true, force: true });
}

async function copyInputs(copy: Kafka, options: SecondRunOptions): Promise<void> {
  const { kafka, namespace, groupId, subtopologies, onStep } = options;
  const inputs = outsideInputs(subtopologies);
  const counts = await kafka.admin.partitionCounts(inputs.map((topic) => namespaced(namespace, topic)));
  await copy.admin.ensureTopics(
    topicsOf('').map(({ name, partitions, config }) => ({
      topic: name,
      partitions: counts.get(namespaced(namespace, name)) ?? partitions,
      config: inputs.includes(name) ? { ...config, 'retention.ms': FOR_EVER } : config,
    })),
  );
  const producer = copy.producer();
  for (const contract of inputs) {
    const topic = namespaced(namespace, contract);
    for (const { partition, offset: end } of await kafka.admin.committed(groupId, topic)) {
      onStep(`copying ${topic}/${partition} up to offset ${end} for the second run`);
      for await (const { records, nextOffset } of kafka.readToEnd({ topic, partition })) {
        const read = records.filter(({ offset }) => offset < end);
        for (let at = 0; at < read.length; at += COPY_RECORDS)
          await producer.send(
            read.slice(at, at + COPY_RECORDS).map((record) => ({ ...record, topic: contract, partition })),
          );
        if (nextOffset >= end) break;
      }
    }
  }
  await producer.close();
}

/** Contract names of inputs that none of the sub-topologies writes. */
function outsideInputs(subtopologies: readonly Subtopology[]): readonly string[] {
  const written = new Set(
    subtopologies.flatMap(({ outputs = [], writes = [] }) => [
      ...outputs.map(({ topic }) => topic),
      ...writes,
    ]),
  );
  const inputs = subtopologies.flatMap((subtopology) => subtopology.inputs.map(({ topic }) => topic));
  return [...new Set(inputs)].filter((topic) => !written.has(topic));
}

async function run(copy: Kafka, options: SecondRunOptions & { readonly now: () => number }): Promise<void> {
  const { subtopologies, settings, log } = options;
  const rows = new GatheringWriter(options.onRows);
  const runner = new StreamRunner({
    ...{ subtopologies, groupId: GROUP, namespace: '', kafka: copy, rows, store: discardingStore() },
    ...{
      ...settings,
      onlineFlushIntervalMs: settings.commitIntervalMs,
      now: options.now,
      newId: randomUUID,
      log,
    },
  });
  let failure: { readonly error: unknown } | undefined;
  await runner.start();
  runner.done.catch((error: unknown) => (failure = { error }));
  // Windows close by time once everything was read; tasks that feed others let them do so one after the other.
  const quietMs = 2 * settings.watermark.idleTimeoutMs + 5 * settings.commitIntervalMs + 1000;
  try {
    let quietSinceMs = Date.now();
    // Marks of time go on between tasks for ever: it is enough that they have once kept up since the last row.
    let hasKeptUp = false;
    let toldMs = 0;
    while (!hasKeptUp || Date.now() - quietSinceMs < quietMs) {
      await setTimeout(POLL_MS);
      if (failure !== undefined) throw failure.error;
      const left = await unread(copy, subtopologies);
      if (rows.takeActivity()) [quietSinceMs, hasKeptUp] = [Date.now(), false];
      hasKeptUp ||= left === 0;
      if (hasKeptUp || Date.now() - toldMs < TELL_MS) continue;
      toldMs = Date.now();
      options.onStep(`second run: ${left} records to go`);
    }
  } finally {
    await runner.stop();
  }
}

async function unread({ admin }: Kafka, subtopologies: readonly Subtopology[]): Promise<number> {
  let left = 0;
  const topics = new Set(subtopologies.flatMap(({ inputs }) => inputs.map(({ topic }) => topic)));
  for (const topic of topics) {
    const committed = await admin.committed(GROUP, topic);
    for (const { partition, start, end } of await admin.offsets(topic))
      left += end - (committed.find((one) => one.partition === partition)?.offset ?? start);
  }
  return left;
}

/** Hands the rows of each commit on. */
class GatheringWriter implements RowWriter {
  readonly #onRows: SecondRunOptions['onRows'];
  #pending: { readonly table: string; readonly rows: readonly Row[] }[] = [];
  #isActive = false;

  constructor(onRows: SecondRunOptions['onRows']) {
    this.#onRows = onRows;
  }

  add(table: string, rows: readonly Row[]): void {
    this.#pending.push({ table, rows });
  }

  async flush(): Promise<readonly []> {
    const pending = this.#pending;
    this.#pending = [];
    for (const { table, rows } of pending) {
      this.#isActive = true;
      await this.#onRows(table, rows);
    }
    return [];
  }

  /** Whether rows came since the last call. */
  takeActivity(): boolean {
    const wasActive = this.#isActive;
    this.#isActive = false;
    return wasActive;
  }
}
