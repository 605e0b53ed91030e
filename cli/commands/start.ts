import { loadConfig, type Config } from '../../platform/config.ts';
import { untilSignal } from '../../platform/shutdown.ts';
import { ensureTopics, openBackends, openLog, openStore, openWarehouse } from '../backends.ts';
import { defineCommand, usageError } from '../command.ts';
import { withSession, type Session } from '../session.ts';
import { startIngest, startProcessing, startServing, startTablesServer } from '../stages.ts';

const STAGES = ['ingest', 'processors', 'serving', 'clickhouse'] as const;
type Stage = (typeof STAGES)[number];

/** Without names: all, and the server for the engine in process where ClickHouse runs in process. */
function stagesOf(names: readonly string[], config: Config): readonly Stage[] {
  const isEmbedded = config.clickhouse.url === undefined;
  if (names.length === 0) return STAGES.filter((stage) => isEmbedded || stage !== 'clickhouse');
  if (names.includes('clickhouse') && !isEmbedded)
    throw usageError(
      'the stage clickhouse serves the engine in process, but MR_CLICKHOUSE_URL is set',
      'start',
    );
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
  if (!stages.includes('processors')) return startWithoutProcessors(stages, session, note);
  const backends = await openBackends(session);
  const processing = await startProcessing(backends, session);
  note(`processors  ${processing.url}/metrics`);
  if (stages.includes('ingest'))
    note(`ingest      ${(await startIngest(backends.kafka, session)).url}/v1/events`);
  if (stages.includes('serving')) note(`serving     ${(await startServing(backends, session)).url}`);
  if (stages.includes('clickhouse')) await noteClickHouse(session, note);
  return { done: processing.processors.done };
}

async function noteClickHouse(session: Session, note: (line: string) => void): Promise<void> {
  await session.own();
  note(`clickhouse  ${(await startTablesServer(session)).url}`);
}

async function startWithoutProcessors(
  stages: readonly Stage[],
  session: Session,
  note: (line: string) => void,
): Promise<Started> {
  const { config } = session;
  const kafka = await openLog(session);
  await ensureTopics(config, kafka);
  if (stages.includes('ingest')) note(`ingest      ${(await startIngest(kafka, session)).url}/v1/events`);
  if (stages.includes('serving')) {
    const store = await openStore(session);
    // The engine in process belongs to the processors; without a server the console shows no history.
    const clickhouse =
      config.clickhouse.url === undefined ? {} : { clickhouse: await openWarehouse(session) };
    note(`serving     ${(await startServing({ kafka, store, ...clickhouse }, session)).url}`);
  }
  if (stages.includes('clickhouse')) await noteClickHouse(session, note);
  return { done: new Promise(() => undefined) };
}

export const startCommand = defineCommand({
  usage: '[ingest|processors|serving|clickhouse …]',
  details:
    'Runs stages until Ctrl-C or SIGTERM; all of them in one process without arguments. Engines whose URL is not set\n' +
    'run embedded: then the stages share one process, since a data folder has one owner, and the stage clickhouse lets\n' +
    'Grafana and other programs at the engine in process (MR_CLICKHOUSE_PORT).',
  options: {},
  positionals: { min: 0, max: STAGES.length },
  examples: [
    ['start', 'everything in one process'],
    ['start processors', 'the processors alone, beside other processes, on real servers'],
  ],
  async run({ positionals, note }) {
    const config = loadConfig();
    const stages = stagesOf(positionals, config);
    return withSession(config, ['start', ...positionals].join(' '), async (session) => {
      const stopped = untilSignal();
      const { done } = await startStages(stages, session, note);
      await Promise.race([stopped, done]);
      note('stopping');
      return 0;
    });
  },
});
