/** One measurement in a process of its own, so that nothing of another is on its heap: `fork(measure, [job])`. */
import { join } from 'node:path';
import { openKafka } from '../../platform/kafka/index.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import { createLogger } from '../../platform/log.ts';
import { openSpill } from '../../platform/spill/index.ts';
import { StateMemory } from '../../processors/runtime/state/state-memory.ts';
import { visitState } from './changelog.ts';

/** `read` touches each record, `map` keeps key and value as text, `state` restores the task. */
export type Subject = 'read' | 'map' | 'state';

export interface Job {
  readonly subject: Subject;
  /** Embedded where empty. */
  readonly brokers: readonly string[];
  readonly dataDir: string;
  readonly topic: string;
  readonly keys: number;
  /** Bound of the state in memory; unbounded where absent. */
  readonly limitMb?: number;
}

export interface Measured {
  readonly seconds: number;
  /** On the heap and in buffers after a collection, beyond what there was before. */
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly peakRssBytes: number;
  readonly entries: number;
  readonly spilled: number;
}

const MIB = 1024 * 1024;
const KIB = 1024;
const SLASH = 0x2f;

interface Built {
  readonly entries: number;
  readonly spilled: number;
  close(): Promise<void>;
  /** Held until it was measured. */
  readonly kept: unknown;
}

async function read(kafka: Kafka, { topic }: Job): Promise<Built> {
  let bytes = 0;
  let entries = 0;
  for await (const { records } of kafka.readToEnd({ topic, partition: 0 })) {
    for (const { key, value } of records) {
      bytes += (key?.length ?? 0) + (value?.length ?? 0);
      if (key?.includes(SLASH) === true) entries += 1;
    }
  }
  return { entries, spilled: 0, kept: bytes, close: () => Promise.resolve() };
}

async function map(kafka: Kafka, { topic }: Job): Promise<Built> {
  const kept = new Map<string, string>();
  for await (const { records } of kafka.readToEnd({ topic, partition: 0 })) {
    for (const { key, value } of records)
      if (key?.includes(SLASH) === true) kept.set(key.toString('utf8'), value?.toString('utf8') ?? '');
  }
  return { entries: kept.size, spilled: 0, kept, close: () => Promise.resolve() };
}

async function state(kafka: Kafka, { topic, limitMb, dataDir }: Job): Promise<Built> {
  const spill = limitMb === undefined ? undefined : await openSpill({ path: join(dataDir, 'spill') });
  const memory =
    limitMb === undefined || spill === undefined
      ? {}
      : { memory: new StateMemory({ limitBytes: limitMb * MIB, spill }) };
  const built = visitState(memory);
  await built.state.restore(kafka, { topic, partition: 0 });
  built.state.ready();
  const close = async () => {
    built.state.close();
    await spill?.close();
  };
  return { entries: built.visits.size, spilled: built.visits.spilled, kept: built, close };
}

function heapBytes(): number {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function measure(job: Job): Promise<Measured> {
  const { brokers, dataDir, topic } = job;
  const log = createLogger('warn', 'bench');
  const kafka = await openKafka({ config: { brokers }, dataDir, clientId: 'bench-state', log });
  await kafka.admin.offsets(topic); // connections are made before the clock runs
  const before = heapBytes();
  const startedMs = performance.now();
  const built = await { read, map, state }[job.subject](kafka, job);
  const seconds = (performance.now() - startedMs) / 1000;
  const measured = {
    seconds,
    heapBytes: Math.max(0, heapBytes() - before),
    rssBytes: process.memoryUsage().rss,
    peakRssBytes: process.resourceUsage().maxRSS * KIB,
    entries: built.entries,
    spilled: built.spilled,
  };
  if (built.kept === undefined) throw new Error('nothing was kept');
  await built.close();
  await kafka.close();
  return measured;
}

process.once('message', (job: Job) => {
  measure(job).then(
    (measured) => process.send?.(measured, () => process.disconnect()),
    (error: unknown) => {
      process.exitCode = 1;
      console.error(error);
      process.disconnect();
    },
  );
});
