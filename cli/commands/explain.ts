import { readFile } from 'node:fs/promises';
import type { Config } from '../../platform/config.ts';
import { MillraceError } from '../../platform/errors.ts';
import { findChain, type Chain } from '../../processors/explain/chain.ts';
import { explainAlert } from '../../processors/explain/explain-alert.ts';
import { findEvidence, type FoundEvidence } from '../../processors/explain/find-alert.ts';
import { topologyHash } from '../../processors/job-description.ts';
import { decodeEvidence, type Evidence } from '../../processors/runtime/evidence/evidence.ts';
import { writeNewFile } from '../../processors/runtime/state-tools/new-file.ts';
import { settingsOf, shopTopology } from '../../processors/topologies.ts';
import { decodeEvent, isRecord } from '../../schemas/wire-format.ts';
import { openReader } from '../backends.ts';
import { APPLICATION_OPTIONS, configOfApplication } from '../application-options.ts';
import { defineCommand, usageError, type CommandContext } from '../command.ts';
import { reportJson, reportText, summaryOf } from '../explain/report.ts';
import { shownOf } from '../explain/shown.ts';
import { withSession } from '../session.ts';
import { requireLog } from '../state/open-state.ts';

/** What led to an alert is looked for so long at most. */
const CHAIN_MS = 10_000;

const OPTIONS = {
  settings: {
    type: 'string',
    placeholder: 'which',
    choices: ['recorded', 'current'],
    default: 'recorded',
    about: 'decide with the settings of then, or those of today: would it be raised now?',
  },
  file: { type: 'string', placeholder: 'path', about: 'evidence that --save has written; needs no server' },
  save: {
    type: 'string',
    placeholder: 'path',
    about: 'also write the evidence to a file, with all that it holds',
  },
  reveal: { type: 'boolean', about: 'personal data too, which is masked otherwise' },
  json: { type: 'boolean', about: 'JSON alone, with everything' },
  ...APPLICATION_OPTIONS,
} as const;

type Context = CommandContext<typeof OPTIONS>;

interface Gathered {
  readonly evidence: Evidence;
  readonly found: Omit<FoundEvidence, 'evidence'> | undefined;
  readonly chain: Chain | undefined;
}

/** From the log: Kafka's, the embedded one, or that of whoever owns the data folder. */
function gather(config: Config, alertId: string): Promise<Gathered> {
  return withSession(config, 'explain', async (session) => {
    requireLog(config);
    const { log } = await openReader(session);
    const { evidence, ...found } = await findEvidence(log, config.namespace, alertId);
    const alert = decodeEvent(Buffer.from(evidence.decision.value, 'base64'));
    const endMs = performance.now() + CHAIN_MS;
    const isTimeUp = () => performance.now() > endMs;
    const chain = isRecord(alert, 'AlertRaised')
      ? await findChain(log, config.namespace, { alert, isTimeUp })
      : undefined;
    return { evidence, found, chain };
  });
}

async function fromFile(path: string, alertId: string | undefined): Promise<Gathered> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new MillraceError('MR_EXPLAIN_EVIDENCE_INVALID', `${path} cannot be read`, { cause });
  }
  const evidence = decodeEvidence(text);
  if (alertId !== undefined && alertId !== evidence.id)
    throw new MillraceError(
      'MR_EXPLAIN_NOT_FOUND',
      `${path} is about the alert ${evidence.id}, not ${alertId}`,
    );
  return { evidence, found: undefined, chain: undefined };
}

async function explain(context: Context, alertId: string | undefined): Promise<number> {
  const startedMs = performance.now();
  const { options, print, note } = context;
  const config = configOfApplication(options);
  const { evidence, ...gathered } =
    options.file === undefined ? await gather(config, alertId ?? '') : await fromFile(options.file, alertId);
  if (options.save !== undefined) {
    await writeNewFile(options.save, oneLine(JSON.stringify(evidence)));
    note(`${options.save} holds the evidence, with the events and the state as they are: mind who reads it`);
  }
  const usesCurrent = options.settings === 'current';
  const explanation = explainAlert(evidence, {
    ...{ current: settingsOf(config.processing), usesCurrent },
    hashOf: (settings) => topologyHash(shopTopology(settings)),
  });
  const seconds = Math.round(performance.now() - startedMs) / 1000;
  const report = { evidence, explanation, usesCurrent, seconds, ...gathered };
  const shown = shownOf(explanation.alert, options.reveal);
  if (!options.json) for (const line of reportText(report, shown)) print(line);
  print(JSON.stringify(options.json ? reportJson(report, shown) : summaryOf(report)));
  return explanation.outcome === 'same' ? 0 : 1;
}

async function* oneLine(text: string): AsyncGenerator<string, undefined> {
  yield `${text}\n`;
}

export const explainCommand = defineCommand({
  usage: 'alert <id> | alert --file <path>  [options]',
  details:
    'Takes the decision again that raised an alert: its step, with exactly the record or timer, the time and the entries of\n' +
    'the state that it was given then, through the code that is here now; says why it was raised, and whether the same comes\n' +
    'out, byte for byte. On Kafka, on an embedded data folder, beside a running demo, or from a file. Exit code 1 where it is\n' +
    'not the same. docs/explain.md tells what is kept, how long, and who may read it.',
  options: OPTIONS,
  positionals: { min: 1, max: 2 },
  examples: [
    ['explain alert 5b0f…-… --data-dir .millrace/demo', 'why a running demo has raised an alert'],
    ['explain alert 5b0f…-… --settings current', 'whether the settings of today would raise it'],
    ['explain alert 5b0f…-… --save burst.json', 'keep what it takes, for a test or a colleague'],
    ['explain alert --file burst.json', 'the same on a laptop without any server'],
  ],
  async run(context) {
    const [what, alertId] = context.positionals;
    if (what !== 'alert') throw usageError('usage: millrace explain alert <id>', 'explain');
    if (alertId === undefined && context.options.file === undefined)
      throw usageError('explain alert needs the id of an alert, or --file', 'explain');
    return explain(context, alertId);
  },
});
