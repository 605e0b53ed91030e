import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKafka } from '../../platform/kafka/index.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import { createLogger } from '../../platform/log.ts';
import { openOnlineStore } from '../../platform/online-store/index.ts';
import { compareRows, type OutputRecord } from './compare-rows.ts';
import { encodeEvent, generateInput, isSentinelKey } from './generate-input.ts';
import { compareTopics, type CompareJob } from './jobs.ts';
import { runPeerJob } from './peer-process.ts';
import { runOurJob } from './run-ours.ts';

const PARTITIONS = 4;
const JOB_TIMEOUT_MS = 5 * 60_000;
const BATCH = 5000;

export interface CompareRun {
  readonly brokers: readonly string[];
  /** Of the Kafka Streams program. */
  readonly classPath: string;
  readonly jobs: readonly CompareJob[];
  /** Random events of each side. */
  readonly events: number;
  readonly seed: number;
  readonly onReport: (report: CompareReport) => void;
  /** Told what happens, and of rows that differ. */
  readonly note: (line: string) => void;
}

export interface CompareReport {
  readonly job: CompareJob;
  /** Final rows of both sides together, each key once. */
  readonly rows: number;
  readonly different: number;
}

/** Runs the jobs on both engines over the same two topics, one after the other, and compares their final rows. */
export async function compareJobs(run: CompareRun): Promise<readonly CompareReport[]> {
  const { brokers, classPath, jobs, onReport, note } = run;
  const log = createLogger('warn', 'compare');
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-compare-'));
  const prefix = `compare-${Date.now().toString(36)}`;
  const kafka = await openKafka({ config: { brokers }, dataDir, clientId: 'compare', log });
  const store = await openOnlineStore({ redis: { url: undefined }, dataDir, keyPrefix: 'compare:', log });
  try {
    await fill(kafka, prefix, run);
    const reports: CompareReport[] = [];
    for (const job of jobs) {
      note(`${job}: Kafka Streams`);
      const peer = await runPeerJob({
        classPath,
        brokers: brokers.join(','),
        prefix,
        job,
        timeoutMs: JOB_TIMEOUT_MS,
      });
      note(`${job}: Kafka Streams ${peer.kafkaStreams} read ${peer.inputs} records; now this engine`);
      await runOurJob({ kafka, store, prefix, job, timeoutMs: JOB_TIMEOUT_MS, log });
      const report = await compareJob(kafka, { prefix, job, note });
      reports.push(report);
      onReport(report);
    }
    return reports;
  } finally {
    await store.close();
    await kafka.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function fill(kafka: Kafka, prefix: string, { jobs, events, seed }: CompareRun): Promise<void> {
  const topics = compareTopics(prefix);
  const names = [topics.left, topics.right, ...jobs.flatMap((job) => [topics.theirs(job), topics.ours(job)])];
  const side = [topics.left, topics.right].flatMap((topic) => [`${topic}.late`, `${topic}.dlq`]);
  // Kafka Streams gives its results the event time as a timestamp, which any retention would find too old.
  const config = { 'retention.ms': '-1' };
  await kafka.admin.ensureTopics(
    [...names, ...side].map((topic) => ({ topic, partitions: PARTITIONS, config })),
  );
  const input = generateInput({ seed, eventsPerSide: events, partitions: PARTITIONS });
  const producer = kafka.producer();
  for (const [topic, list] of [
    [topics.left, input.left],
    [topics.right, input.right],
  ] as const) {
    const records = list.map((event) => ({ topic, key: event.key, value: encodeEvent(event) }));
    for (let at = 0; at < records.length; at += BATCH) await producer.send(records.slice(at, at + BATCH));
  }
  await producer.close();
}

async function compareJob(
  kafka: Kafka,
  { prefix, job, note }: { prefix: string; job: CompareJob; note: CompareRun['note'] },
): Promise<CompareReport> {
  const topics = compareTopics(prefix);
  const isIgnored = (key: string) => isSentinelKey((JSON.parse(key) as { key: string }).key);
  const ours = await outputOf(kafka, topics.ours(job));
  const theirs = await outputOf(kafka, topics.theirs(job));
  const { rows, different, examples } = compareRows({ ours, theirs, isIgnored });
  for (const example of examples) note(`  ${example}`);
  return { job, rows, different };
}

async function outputOf(kafka: Kafka, topic: string): Promise<readonly OutputRecord[]> {
  const records: OutputRecord[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for await (const batch of kafka.readToEnd({ topic, partition }))
      for (const { key, value } of batch.records)
        if (key !== null) records.push({ key: key.toString('utf8'), value: value?.toString('utf8') ?? null });
  }
  return records;
}
