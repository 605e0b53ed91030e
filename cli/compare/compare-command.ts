import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKafka } from '../../platform/kafka/index.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import { createLogger } from '../../platform/log.ts';
import { openOnlineStore } from '../../platform/online-store/index.ts';
import { PACKAGE_ROOT } from '../../schemas/package-root.ts';
import { defineCommand, usageError, type CommandContext } from '../command.ts';
import { withServers } from '../with-servers.ts';
import { compareRows, type OutputRecord } from './compare-rows.ts';
import { encodeEvent, generateInput, isSentinelKey } from './generate-input.ts';
import { COMPARE_JOBS, compareTopics, type CompareJob } from './jobs.ts';
import { ensurePeer, PEER_DIR, runPeerJob } from './peer-process.ts';
import { runOurJob } from './run-ours.ts';

const PARTITIONS = 4;
const JOB_TIMEOUT_MS = 5 * 60_000;
const BATCH = 5000;

interface CompareOptions {
  readonly jobs: readonly CompareJob[];
  readonly events: number;
  readonly seed: number;
}

/** One line for each job. */
interface CompareReport {
  readonly job: CompareJob;
  readonly rows: number;
  readonly different: number;
}

export const compareCommand = defineCommand({
  usage: 'kafka-streams [--events N] [--seed N] [--job NAME …]',
  details:
    'Writes two topics with shuffled and late events, runs the same topologies over them in a Java program on Apache Kafka Streams and in this engine, and compares the final rows. Needs Java 17 and Maven; without MR_KAFKA_BROKERS a broker runs for this alone. Says {"job","rows","different"} for each job and ends with 1 where a row differs.',
  options: {
    events: { type: 'integer', default: 20_000, min: 100, about: 'random events of each side' },
    seed: { type: 'integer', default: 1, min: 0, about: 'seed of the events' },
    job: { type: 'list', about: `one of ${COMPARE_JOBS.join(', ')}; all where absent` },
  },
  positionals: { min: 1, max: 1 },
  examples: [
    ['compare kafka-streams', 'all jobs over 20,000 events of each side'],
    ['compare kafka-streams --job session --seed 7', 'one job over other events'],
  ],
  async run({ options, positionals, print, note }) {
    if (positionals[0] !== 'kafka-streams')
      throw usageError(
        `there is nothing to compare with called ${positionals[0] ?? ''}; try kafka-streams`,
        'compare',
      );
    const jobs = chosenJobs(options.job);
    const classPath = await ensurePeer(join(PACKAGE_ROOT, PEER_DIR), note);
    const reports = await withServers(['kafka'], note, ({ brokers }) =>
      compareAll({ brokers, classPath, options: { ...options, jobs }, print, note }),
    );
    return reports.every(({ different }) => different === 0) ? 0 : 1;
  },
});

function chosenJobs(names: readonly string[]): readonly CompareJob[] {
  const unknown = names.find((name) => !COMPARE_JOBS.some((job) => job === name));
  if (unknown !== undefined)
    throw usageError(`there is no job ${unknown}; there are ${COMPARE_JOBS.join(', ')}`, 'compare');
  return names.length === 0 ? COMPARE_JOBS : COMPARE_JOBS.filter((job) => names.includes(job));
}

async function compareAll(run: {
  readonly brokers: readonly string[];
  readonly classPath: string;
  readonly options: CompareOptions;
  readonly print: CommandContext['print'];
  readonly note: CommandContext['note'];
}): Promise<readonly CompareReport[]> {
  const { brokers, classPath, options, print, note } = run;
  const log = createLogger('warn', 'compare');
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-compare-'));
  const prefix = `compare-${Date.now().toString(36)}`;
  const kafka = await openKafka({ config: { brokers }, dataDir, clientId: 'compare', log });
  const store = await openOnlineStore({ redis: { url: undefined }, dataDir, keyPrefix: 'compare:', log });
  try {
    await fill(kafka, prefix, options);
    const reports: CompareReport[] = [];
    for (const job of options.jobs) {
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
      reports.push(await compareJob(kafka, prefix, job, note));
      print(JSON.stringify(reports.at(-1)));
    }
    return reports;
  } finally {
    await store.close();
    await kafka.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function fill(kafka: Kafka, prefix: string, { jobs, events, seed }: CompareOptions): Promise<void> {
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
  prefix: string,
  job: CompareJob,
  note: CommandContext['note'],
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
