import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../../schemas/package-root.ts';
import { requireService, skipOrFail } from '../../test/harness/require-service.ts';
import { compareJobs } from './compare-jobs.ts';
import { COMPARE_JOBS } from './jobs.ts';
import { PEER_DIR } from './peer-process.ts';

const service = requireService('kafka');
const target = join(PACKAGE_ROOT, PEER_DIR, 'target');
// Tests download nothing: the first call of the command builds it.
const peer = skipOrFail(
  existsSync(join(target, 'peer.jar'))
    ? ''
    : 'the Kafka Streams program is not built: millrace compare kafka-streams builds it',
);

describe.skipIf(service.isMissing || peer.isMissing)(
  service.title(peer.title('final rows of the same topologies on Apache Kafka Streams')),
  () => {
    test('equal ours, with shuffled and late events', { timeout: 300_000 }, async () => {
      const differing: string[] = [];
      const reports = await compareJobs({
        brokers: service.address.split(','),
        classPath: [join(target, 'peer.jar'), join(target, 'lib', '*')].join(delimiter),
        ...{ jobs: COMPARE_JOBS, events: 1000, seed: 20_261_125 },
        onReport: () => undefined,
        note: (line) => differing.push(line),
      });
      expect(
        reports.map(({ job, different }) => [
          job,
          different,
          differing.filter((line) => line.startsWith('  ')),
        ]),
      ).toEqual(COMPARE_JOBS.map((job) => [job, 0, []]));
      for (const { rows } of reports) expect(rows).toBeGreaterThan(100);
    });
  },
);
