import { loadConfig } from '../../platform/config.ts';
import { untilSignal } from '../../platform/shutdown.ts';
import { ensureTopics, openBackends, openLog, openStore, openWarehouse } from '../backends.ts';
import { defineCommand, usageError } from '../command.ts';
import { withSession, type Session } from '../session.ts';
import { startIngest, startProcessing, startServing } from '../stages.ts';

const STAGES = ['ingest', 'processors', 'serving'] as const;
type Stage = (typeof STAGES)[number];

function stagesOf(names: readonly string[]): readonly Stage[] {
  if (names.length === 0) return STAGES;
  return names.map((name) => {
    const stage = STAGES.find((known) => known === name);
    if (stage === undefined) throw usageError(`no stage "${name}": ${STAGES.join(', ')}`, 'start');
    return stage;
  });
}

interface Started {
  /** Settles when processing ends by itself; never where there is none. */
  readonly done: Promise<void>;
}

/** Opens what the stages need and starts them. */
async function startStages(
  stages: readonly Stage[],
  session: Session,
  note: (line: string) => void,
): Promise<Started> {
  const { config, log, lifetime } = session;
  if (!stages.includes('processors')) return startWithoutProcessors(stages, session, note);
  const backends = await openBackends(config, log, lifetime);
  const processing = await startProcessing(backends, session);
  note(`processors  ${processing.url}/metrics`);
  if (stages.includes('ingest'))
    note(`ingest      ${(await startIngest(backends.kafka, session)).url}/v1/events`);
  if (stages.includes('serving')) note(`serving     ${(await startServing(backends, session)).url}`);
  return { done: processing.processors.done };
}

async function startWithoutProcessors(
  stages: readonly Stage[],
  session: Session,
  note: (line: string) => void,
): Promise<Started> {
  const { config, log, lifetime } = session;
  const kafka = await openLog(config, log, lifetime);
  await ensureTopics(config, kafka);
  if (stages.includes('ingest')) note(`ingest      ${(await startIngest(kafka, session)).url}/v1/events`);
  if (stages.includes('serving')) {
    const store = await openStore(config, log, lifetime);
    // The engine in process belongs to the processors; without a server the console shows no history.
    const clickhouse =
      config.clickhouse.url === undefined ? {} : { clickhouse: await openWarehouse(config, log, lifetime) };
    note(`serving     ${(await startServing({ kafka, store, ...clickhouse }, session)).url}`);
  }
  return { done: new Promise(() => undefined) };
}

export const startCommand = defineCommand({
  usage: '[ingest|processors|serving …]',
  details:
    'Runs stages until Ctrl-C or SIGTERM; all of them in one process without arguments. Engines whose URL is not set\n' +
    'run embedded: then the stages share one process, since a data folder has one owner.',
  options: {},
  positionals: { min: 0, max: STAGES.length },
  examples: [
    ['start', 'everything in one process'],
    ['start processors', 'the processors alone, beside other processes, on real servers'],
  ],
  async run({ positionals, note }) {
    const stages = stagesOf(positionals);
    return withSession(loadConfig(), stages.join('+'), async (session) => {
      const stopped = untilSignal();
      const { done } = await startStages(stages, session, note);
      await Promise.race([stopped, done]);
      note('stopping');
      return 0;
    });
  },
});
