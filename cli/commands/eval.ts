import { CANDIDATES } from '../../models/selection/candidates.ts';
import { defineCommand, usageError } from '../command.ts';
import { evalRecs } from '../eval/eval-recs.ts';

const MODELS = ['auto', ...CANDIDATES.map(({ name }) => name)] as const;

export const evalCommand = defineCommand({
  usage: 'recs --train FILE --test FILE [--model NAME] [--k N]',
  details:
    'Chooses the hyper-parameters of a recommendation model, with `auto` the model too, on a part that is held out of the\n' +
    'training file, trains it on all of that file, and says what its lists are worth on the test file, at which nobody\n' +
    'looks before. Files have a line `user item item …` for each user, gzipped or plain. All items are ranked but those\n' +
    'that the user has in the training file. The last line is JSON.',
  options: {
    train: { type: 'string', placeholder: 'file', about: 'to learn from' },
    test: { type: 'string', placeholder: 'file', about: 'to evaluate on' },
    model: { type: 'string', default: 'auto', placeholder: 'name', about: `one of ${MODELS.join(', ')}` },
    k: { type: 'integer', default: 20, min: 1, max: 1000, about: 'length of the lists' },
    seed: { type: 'integer', default: 1, min: 0, about: 'of what is held out and of the search' },
    effort: {
      type: 'number',
      default: 1,
      min: 0.01,
      max: 100,
      about: 'how long to search for hyper-parameters, against the usual',
    },
  },
  positionals: { min: 1, max: 1 },
  examples: [
    ['eval recs --train train.txt.gz --test test.txt.gz', 'the best model for this shop'],
    ['eval recs --train train.txt --test test.txt --model item-item --k 10', 'one kind, lists of ten'],
  ],
  async run({ options, positionals, print, note }) {
    const { train, test, model, k, seed, effort } = options;
    if (positionals[0] !== 'recs')
      throw usageError('usage: millrace eval recs --train FILE --test FILE', 'eval');
    if (train === undefined || test === undefined)
      throw usageError('eval recs needs --train and --test, a file each', 'eval');
    if (!MODELS.includes(model)) throw usageError(`no model "${model}": ${MODELS.join(', ')}`, 'eval');
    print(JSON.stringify(await evalRecs({ train, test, model, k, seed, effort, note })));
    return 0;
  },
});
