import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../schemas/package-root.ts';
import { defineCommand, usageError } from '../command.ts';
import { withServers } from '../with-servers.ts';
import { compareJobs } from './compare-jobs.ts';
import { COMPARE_JOBS, type CompareJob } from './jobs.ts';
import { ensurePeer, PEER_DIR } from './peer-process.ts';

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
      compareJobs({
        ...{ brokers, classPath, jobs, events: options.events, seed: options.seed, note },
        onReport: (report) => print(JSON.stringify(report)),
      }),
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
