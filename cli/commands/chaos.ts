import { ENGINE_SCENARIOS } from '../../test/chaos/engines/index.ts';
import { runChaos } from '../../test/chaos/chaos.ts';
import { runPipeline } from '../../test/chaos/pipeline/pipeline.ts';
import { defineCommand, usageError, type CommandContext } from '../command.ts';

type Context = Pick<CommandContext, 'print' | 'note'> & {
  readonly options: { readonly seconds: number; readonly seed: number };
};

async function engines(only: readonly string[], { options, print, note }: Context): Promise<number> {
  const names = ENGINE_SCENARIOS.map(({ name }) => name);
  for (const name of only)
    if (!names.includes(name)) throw usageError(`no scenario "${name}": ${names.join(', ')}`, 'chaos');
  const scenarios = ENGINE_SCENARIOS.filter(({ name }) => only.length === 0 || only.includes(name));
  const { seconds, seed } = options;
  const result = await runChaos({ scenarios, seconds, seed, note });
  print(JSON.stringify(result));
  return result.lost === 0 && result.duplicated === 0 ? 0 : 1;
}

export const chaosCommand = defineCommand({
  usage: '[pipeline|engines] [options]',
  details:
    'pipeline: the processors on three brokers, Redis and ClickHouse of their own, under a seeded shop, while processes are\n' +
    'killed, frozen and cut off, brokers and stores go and come back, and instances join and leave. Then an oracle\n' +
    "recomputes from the producer's own book of acknowledgements what must be there, and compares.\n" +
    'engines: kills, restarts, cuts off and fills up engines while something writes to them, then reads everything back.\n' +
    'Exit code 1 where anything is lost, doubled or wrong; the folder of the run is kept then. The last line is JSON.',
  options: {
    seconds: { type: 'integer', default: 300, min: 10, max: 86_400, about: 'time of the faults' },
    seed: {
      type: 'integer',
      default: 1,
      about: 'the same seed chooses the same traffic, faults and moments',
    },
    instances: {
      type: 'integer',
      default: 3,
      min: 2,
      max: 16,
      about: 'pipeline: processors that run always',
    },
    rate: { type: 'integer', default: 120, min: 10, max: 5000, about: 'pipeline: events a second' },
    standbys: { type: 'boolean', about: 'pipeline: with MR_STANDBYS, so that copies of the state take over' },
    keep: { type: 'boolean', about: 'pipeline: keep logs, data and the book also where nothing was found' },
    only: { type: 'list', about: 'engines: a scenario by its name; may be given several times' },
  },
  positionals: { min: 0, max: 1 },
  examples: [
    ['chaos --seconds 300', 'the whole pipeline for five minutes'],
    ['chaos --seconds 60 --seed 7 --standbys', 'shorter, other faults, with standbys'],
    ['chaos engines --seconds 120', 'every engine below the ports'],
    ['chaos engines --only LMDB --seconds 10', 'one of them'],
  ],
  async run({ options, positionals, print, note }) {
    const what = positionals[0] ?? 'pipeline';
    if (what === 'engines') return engines(options.only, { options, print, note });
    if (what !== 'pipeline') throw usageError(`no chaos for "${what}": pipeline, engines`, 'chaos');
    const { seconds, seed, instances, rate: ratePerSecond, standbys: withStandbys, keep } = options;
    const result = await runPipeline({ seconds, seed, instances, ratePerSecond, withStandbys, keep, note });
    print(JSON.stringify(result));
    return result.findings === 0 ? 0 : 1;
  },
});
