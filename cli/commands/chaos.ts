import { ENGINE_SCENARIOS } from '../../test/chaos/engines/index.ts';
import { runChaos } from '../../test/chaos/chaos.ts';
import { defineCommand, usageError } from '../command.ts';

export const chaosCommand = defineCommand({
  usage: 'engines [--seconds N]',
  details:
    'Kills, restarts, cuts off and fills up engines while something writes to them, then reads everything back: what was\n' +
    'acknowledged must be there, once. Starts and ends servers of its own. The last line is JSON.',
  options: {
    seconds: { type: 'integer', default: 120, min: 10, max: 86_400, about: 'time of the faults, shared out' },
    seed: { type: 'integer', default: 1, about: 'the same seed chooses the same moments' },
    only: { type: 'list', about: 'a scenario by its name; may be given several times' },
  },
  positionals: { min: 1, max: 1 },
  examples: [
    ['chaos engines --seconds 120', 'every engine'],
    ['chaos engines --only LMDB --seconds 10', 'one of them'],
  ],
  async run({ options, positionals, print, note }) {
    if (positionals[0] !== 'engines')
      throw usageError(`no chaos for "${positionals[0] ?? ''}": engines`, 'chaos');
    const names = ENGINE_SCENARIOS.map(({ name }) => name);
    for (const name of options.only)
      if (!names.includes(name)) throw usageError(`no scenario "${name}": ${names.join(', ')}`, 'chaos');
    const scenarios = ENGINE_SCENARIOS.filter(
      ({ name }) => options.only.length === 0 || options.only.includes(name),
    );
    const { seconds, seed } = options;
    const result = await runChaos({ scenarios, seconds, seed, note });
    print(JSON.stringify(result));
    return result.lost === 0 && result.duplicated === 0 ? 0 : 1;
  },
});
