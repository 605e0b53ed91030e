import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchStreams } from '../../bench/streams/streams.ts';
import { loadConfig } from '../../platform/config.ts';
import { defineCommand, usageError } from '../command.ts';
import { stackDown, stackUp } from '../stack/stack.ts';

/** Brokers of the configuration, or of a stack of the benchmark's own, which ends with it. */
async function withBrokers<T>(
  note: (line: string) => void,
  work: (brokers: readonly string[]) => Promise<T>,
): Promise<T> {
  const { brokers } = loadConfig().kafka;
  if (brokers.length > 0) return work(brokers);
  const dir = await mkdtemp(join(tmpdir(), 'millrace-stack-'));
  note('no MR_KAFKA_BROKERS: starting a broker for this benchmark');
  try {
    const stack = await stackUp({ dir, services: ['kafka'], anyPorts: true, onProgress: note });
    return await work(stack.brokers.split(','));
  } finally {
    await stackDown({ dir, wipe: true });
    await rm(dir, { recursive: true, force: true });
  }
}

export const benchCommand = defineCommand({
  usage: 'streams [options]',
  details:
    'Benchmarks, each beside a peer in the same run; method and limits stand in bench/<subject>/README.md.',
  options: {
    events: { type: 'integer', default: 2_000_000, min: 1000, max: 50_000_000, about: 'events of the run' },
    rounds: { type: 'integer', default: 3, min: 1, max: 20, about: 'rounds, whose medians are compared' },
  },
  positionals: { min: 1, max: 1 },
  examples: [['bench streams', 'a one-minute window job beside a raw kafkajs loop on the same topic']],
  async run({ options, positionals, print, note }) {
    if (positionals[0] !== 'streams')
      throw usageError(`no benchmark "${positionals[0] ?? ''}": streams`, 'bench');
    const result = await withBrokers(note, (brokers) =>
      benchStreams({ brokers, events: options.events, rounds: options.rounds, note }),
    );
    print(JSON.stringify(result));
    return 0;
  },
});
