import { z } from 'zod';
import { MillraceError } from '../../platform/errors.ts';
import type { AlertRaised } from '../../schemas/generated/events.ts';
import { decodeEvent, isRecord } from '../../schemas/wire-format.ts';
import type { Evidence } from '../runtime/evidence/evidence.ts';
import { replay, type Replay } from '../runtime/evidence/replay.ts';
import { shopTopology, type TopologySettings } from '../topologies.ts';

/**
 * What taking the decision again came to: `same` byte for byte; `different` in some fields; `silent` where nothing is
 * decided this time; `incomplete` where it is not the same, and not all that the step had seen could be kept.
 */
export type Outcome = 'same' | 'different' | 'silent' | 'incomplete';

export interface FieldDifference {
  readonly field: string;
  readonly then: unknown;
  readonly again: unknown;
}

export interface Explanation {
  readonly outcome: Outcome;
  /** As it was raised. */
  readonly alert: AlertRaised;
  /** As it is raised when its step is taken again; undefined where none is. */
  readonly again: AlertRaised | undefined;
  readonly differences: readonly FieldDifference[];
  /** Whether the topology of the program is still the one that decided. */
  readonly isSameTopology: boolean;
  readonly settings: TopologySettings;
  readonly replay: Replay;
}

export interface ExplainOptions {
  /** Those of today: they stand for settings that did not exist when it was decided, and for all where `usesCurrent`. */
  readonly current: TopologySettings;
  readonly usesCurrent: boolean;
  readonly hashOf: (settings: TopologySettings) => string;
}

/**
 * Takes the step again that raised an alert, with nothing but its evidence.
 * @throws MillraceError MR_EXPLAIN_STEP_GONE, MR_EXPLAIN_STATE_CHANGED, MR_EXPLAIN_EVIDENCE_INVALID
 */
export function explainAlert(evidence: Evidence, options: ExplainOptions): Explanation {
  const { subtopology, decision, job } = evidence;
  const recorded = recordedSettings(evidence, options.current);
  const settings = options.usesCurrent ? options.current : recorded;
  const found = shopTopology(settings).subtopologies.find(({ name }) => name === subtopology);
  if (found?.explained === undefined)
    throw new MillraceError(
      'MR_EXPLAIN_STEP_GONE',
      `${found === undefined ? `there is no sub-topology ${subtopology} any more` : `${subtopology} decides nothing any more`}; ${job.application} ${job.version} has decided it`,
    );
  const result = replay(evidence, found.explained);
  const alert = alertIn(Buffer.from(decision.value, 'base64'));
  const again = result.decision === undefined ? undefined : alertIn(result.decision.value);
  const differences = differencesOf(evidence, result);
  return {
    outcome: outcomeOf(evidence, result, differences),
    ...{ alert, again, differences, settings, replay: result },
    isSameTopology: options.hashOf(recorded) === job.topology,
  };
}

function outcomeOf(
  { isCut, cause }: Evidence,
  { decision }: Replay,
  found: readonly FieldDifference[],
): Outcome {
  if (decision !== undefined && found.length === 0) return 'same';
  // What a commit hands out may have been coalesced in memory, where no store has it.
  if (isCut || (cause.kind === 'part' && cause.by === 'commit')) return 'incomplete';
  return decision === undefined ? 'silent' : 'different';
}

/** Of the fields where the bytes of both differ; empty where nothing was decided again. */
function differencesOf({ decision }: Evidence, { decision: again }: Replay): readonly FieldDifference[] {
  if (again === undefined) return [];
  const bytes = Buffer.from(decision.value, 'base64');
  const fields: FieldDifference[] = [];
  const compare = (field: string, then: unknown, now: unknown) => {
    if (JSON.stringify(then) !== JSON.stringify(now)) fields.push({ field, then, again: now });
  };
  compare('(topic)', decision.topic, again.topic);
  compare('(key)', decision.key, again.key);
  if (bytes.equals(again.value)) return fields;
  const [one, other] = [alertIn(bytes), alertIn(again.value)];
  for (const field of new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof AlertRaised>)
    compare(field, one[field], other[field]);
  // Another version of the schema may write the same fields in other bytes.
  if (fields.length === 0) compare('(bytes)', bytes.toString('hex'), again.value.toString('hex'));
  return fields;
}

function alertIn(bytes: Buffer): AlertRaised {
  const event = decodeEvent(bytes);
  if (isRecord(event, 'AlertRaised')) return event;
  throw new MillraceError('MR_EXPLAIN_EVIDENCE_INVALID', `what was decided is a ${event.type} and no alert`);
}

const durationMs = z.number().int().nonnegative();
const RECORDED = z
  .object({
    graceMs: durationMs,
    parcelSilenceMs: durationMs,
    cardBurstCount: z.number().int().positive(),
    cardBurstWindowMs: durationMs,
    shopTimeZone: z.string(),
    orderLimits: z
      .object({
        ...{ paymentMs: durationMs, reviewMs: durationMs, captureMs: durationMs },
        ...{ shipMs: durationMs, deliveryMs: durationMs, refundMs: durationMs },
      })
      .partial(),
  })
  .partial();

/** A setting that did not exist then has the value of today. */
function recordedSettings({ job }: Evidence, current: TopologySettings): TopologySettings {
  const read = RECORDED.safeParse(job.settings);
  if (!read.success)
    throw new MillraceError(
      'MR_EXPLAIN_EVIDENCE_INVALID',
      `its settings cannot be read: ${z.prettifyError(read.error)}`,
    );
  const { orderLimits, ...rest } = read.data;
  const known = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return {
    ...current,
    ...known,
    orderLimits: { ...current.orderLimits, ...orderLimits },
  } as TopologySettings;
}
