import { createHttpSender } from '../../ingest/simulator/http-sender.ts';
import { runSimulator } from '../../ingest/simulator/run-simulator.ts';
import { createShop } from '../../ingest/simulator/shop.ts';
import { loadOrCreateIngestKey } from '../../ingest/keys.ts';
import { loadConfig } from '../../platform/config.ts';
import { untilSignal } from '../../platform/shutdown.ts';
import { defineCommand } from '../command.ts';
import { Progress } from '../progress.ts';

export const simulateCommand = defineCommand({
  usage: '[--rate N] [--seconds N] [--seed N]',
  details:
    'A seeded shop: visitors with tastes, sessions, carts, orders, payments and parcels, with bursts of card testing and\n' +
    'stuck parcels. What was planted is written beside, one JSON line for each fault.',
  options: {
    rate: { type: 'number', default: 100, min: 1, max: 100_000, about: 'events a second' },
    seconds: { type: 'number', min: 1, about: 'ends by itself after this time' },
    seed: { type: 'integer', default: 1, about: 'the same seed makes the same shop' },
    epoch: {
      type: 'integer',
      default: 0,
      min: 0,
      about: 'another start of the same shop: same items, other events',
    },
    to: { type: 'string', about: 'URL of the collector (default: the one of this configuration)' },
    truth: {
      type: 'string',
      about: 'file for the planted faults (default <data folder>/ground-truth.jsonl)',
    },
  },
  positionals: { min: 0, max: 0 },
  examples: [
    ['simulate --rate 500 --seconds 60', 'a minute of traffic to the local collector'],
    ['simulate --seed 7 --truth truth.jsonl', 'another shop, until Ctrl-C'],
  ],
  async run({ options, print }) {
    const config = loadConfig();
    const [key = loadOrCreateIngestKey(config.dataDir)] = config.ingest.keys;
    const stop = new AbortController();
    void untilSignal().then(() => stop.abort());
    const { parcelSilenceMs, cardBurstCount, cardBurstWindowMs } = config.processing;
    const shop = createShop({
      seed: options.seed,
      epoch: options.epoch,
      startMs: Date.now(),
      parcelSilenceMs,
      cardBurstCount,
      cardBurstWindowMs,
    });
    const progress = new Progress('simulating', {
      unit: 'events',
      ...(options.seconds === undefined ? {} : { total: Math.round(options.rate * options.seconds) }),
    });
    const result = await runSimulator({
      shop,
      ratePerSecond: options.rate,
      send: createHttpSender({ url: options.to ?? `http://${config.httpHost}:${config.ingest.port}`, key }),
      ...(options.seconds === undefined ? {} : { seconds: options.seconds }),
      signal: stop.signal,
      groundTruthPath: options.truth ?? `${config.dataDir}/ground-truth.jsonl`,
      onProgress: ({ accepted }) => progress.update(accepted),
    });
    progress.finish(result.accepted);
    print(JSON.stringify(result));
    return 0;
  },
});
