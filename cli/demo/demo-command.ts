import { rm } from 'node:fs/promises';
import { loadConfig } from '../../platform/config.ts';
import { untilSignal } from '../../platform/shutdown.ts';
import { defineCommand } from '../command.ts';
import { withSession } from '../session.ts';
import { runDemo } from './run-demo.ts';

/** Journeys of the demo's shop take seconds instead of days; the processors are set accordingly. */
const DEMO_DEFAULTS = {
  MR_DATA_DIR: '.millrace/demo',
  MR_LOG_LEVEL: 'warn',
  MR_CLICKHOUSE_PORT: '0',
  MR_PARCEL_SILENCE: '12s',
  MR_OUT_OF_ORDER: '2s',
  MR_IDLE_TIMEOUT: '2s',
  MR_WINDOW_GRACE: '10s',
} as const;

export const demoCommand = defineCommand({
  usage: '[--seconds N] [--rate N]',
  details:
    'The whole pipeline in one process on embedded engines, with a simulated shop. Its data stays in .millrace/demo and\n' +
    'the next demo goes on with it. The last line is JSON: what came in, what came out, what was lost or doubled.',
  options: {
    seconds: { type: 'number', min: 5, about: 'ends by itself after this time of traffic' },
    rate: { type: 'number', default: 150, min: 1, max: 20_000, about: 'events a second' },
    seed: { type: 'integer', default: 42, about: 'the same seed makes the same shop' },
    fresh: { type: 'boolean', about: 'delete the data of earlier demos first' },
  },
  positionals: { min: 0, max: 0 },
  examples: [
    ['demo', 'until Ctrl-C'],
    ['demo --seconds 60 --rate 500', 'a minute of heavier traffic'],
  ],
  async run({ options, print, note }) {
    const config = loadConfig({}, DEMO_DEFAULTS);
    if (options.fresh) await rm(config.dataDir, { recursive: true, force: true });
    const stop = new AbortController();
    void untilSignal().then((signal) => {
      note(`${signal}: ending the traffic; once more to end at once`);
      stop.abort();
    });
    const result = await withSession(config, 'demo', (session) =>
      runDemo(session, {
        ratePerSecond: options.rate,
        seed: options.seed,
        ...(options.seconds === undefined ? {} : { seconds: options.seconds }),
        signal: stop.signal,
        note,
      }),
    );
    print(JSON.stringify(result));
    return result.lost === 0 && result.duplicated === 0 ? 0 : 1;
  },
});
