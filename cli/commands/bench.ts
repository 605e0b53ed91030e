import { loadConfig } from '../../platform/config.ts';
import { defineCommand, usageError, type CommandContext } from '../command.ts';
import { withServers } from '../with-servers.ts';

interface Options {
  readonly events: number;
  readonly rounds: number;
  readonly records: number;
  readonly seconds: number;
  readonly rate: number;
  readonly keys: number;
  readonly 'limit-mb': number;
  readonly kills: number;
}
type Subject = (options: Options, note: CommandContext['note']) => Promise<object>;

const MAX_RECOVERY_EVENTS = 200_000;

/** Loaded when they are called: they need the vendors' clients, some of which are optional. */
const SUBJECTS: Readonly<Record<string, Subject>> = {
  streams: async ({ events, rounds }, note) => {
    const { benchStreams } = await import('../../bench/streams/streams.ts');
    return withServers(['kafka'], note, ({ brokers }) => benchStreams({ brokers, events, rounds, note }));
  },
  engines: async ({ records, rounds }, note) => {
    const { benchEngines } = await import('../../bench/engines/engines.ts');
    return withServers(['kafka', 'redis'], note, (servers) =>
      benchEngines({ ...servers, records, rounds, note }),
    );
  },
  state: async ({ keys, rounds, 'limit-mb': limitMb }, note) => {
    const { benchState } = await import('../../bench/state/state.ts');
    // The embedded log is measured always, a broker where there is one.
    return benchState({ brokers: loadConfig().kafka.brokers, keys, limitMb, rounds, note });
  },
  recovery: async ({ kills, events, rounds }, note) => {
    const { benchRecovery } = await import('../../bench/recovery/recovery.ts');
    // Every kill reads the state again: what the other benchmark writes by default would take hours.
    const few = Math.min(events, MAX_RECOVERY_EVENTS);
    return withServers(['kafka'], note, ({ brokers }) =>
      benchRecovery({ brokers, kills, events: few, rounds, note }),
    );
  },
  memory: async ({ seconds, rate }, note) => {
    const { benchMemory } = await import('../../bench/memory/memory.ts');
    return withServers(['kafka', 'redis'], note, (servers) =>
      benchMemory({ ...servers, seconds, ratePerSecond: rate, note }),
    );
  },
};

export const benchCommand = defineCommand({
  usage: 'streams|engines|memory|recovery|state [options]',
  details:
    'Benchmarks, each beside a peer or a limit in the same run; method and limits stand in bench/<subject>/README.md.',
  options: {
    events: {
      type: 'integer',
      default: 2_000_000,
      min: 1000,
      max: 50_000_000,
      about: 'streams: events; recovery: those before the first kill, at most 200,000',
    },
    records: {
      type: 'integer',
      default: 500_000,
      min: 10_000,
      max: 50_000_000,
      about: 'engines: records of a round',
    },
    rounds: { type: 'integer', default: 3, min: 1, max: 20, about: 'rounds, whose medians are compared' },
    kills: { type: 'integer', default: 20, min: 1, max: 1000, about: 'recovery: kills of each way to run' },
    seconds: { type: 'integer', default: 60, min: 10, max: 3600, about: 'memory: time of the traffic' },
    rate: { type: 'integer', default: 1000, min: 10, max: 20_000, about: 'memory: events a second' },
    keys: {
      type: 'integer',
      default: 1_000_000,
      min: 1000,
      max: 20_000_000,
      about: 'state: keys of the task',
    },
    'limit-mb': {
      type: 'integer',
      default: 40,
      min: 1,
      max: 100_000,
      about: 'state: bound of the smaller one',
    },
  },
  positionals: { min: 1, max: 1 },
  examples: [
    ['bench streams', 'a one-minute window job beside a raw kafkajs loop on the same topic'],
    ['bench engines', 'what the ports cost beside the raw clients, and what the embedded engines give'],
    ['bench state', 'what a million keys take in memory, and how long they take to come back'],
    ['bench recovery', 'how long the tasks of a killed instance are away, and what exactly-once costs'],
    ['bench memory', 'what each stage holds under traffic, beside its budget'],
  ],
  async run({ options, positionals, print, note }) {
    const subject = SUBJECTS[positionals[0] ?? ''];
    if (subject === undefined)
      throw usageError(
        `no benchmark "${positionals[0] ?? ''}": ${Object.keys(SUBJECTS).join(', ')}`,
        'bench',
      );
    print(JSON.stringify(await subject(options, note)));
    return 0;
  },
});
