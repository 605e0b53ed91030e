import type { Chain, Link } from '../../processors/explain/chain.ts';
import type { Explanation } from '../../processors/explain/explain-alert.ts';
import type { FoundEvidence } from '../../processors/explain/find-alert.ts';
import type { Cause, Evidence } from '../../processors/runtime/evidence/evidence.ts';
import type { Shown } from './shown.ts';
import { stateText } from './state-text.ts';
import { timeText } from '../state/table.ts';

/** All there is to tell. */
export interface Report {
  readonly evidence: Evidence;
  readonly explanation: Explanation;
  /** Undefined where it comes from a file. */
  readonly found: Omit<FoundEvidence, 'evidence'> | undefined;
  readonly chain: Chain | undefined;
  readonly usesCurrent: boolean;
  readonly seconds: number;
}

export function reportText(report: Report, shown: Shown): readonly string[] {
  const { evidence, explanation, found, chain } = report;
  const { alert } = explanation;
  const { job, subtopology, partition, decidedAtMs, isCut } = evidence;
  return [
    `alert ${alert.alertId}  ${alert.kind}, ${alert.severity}`,
    `  about     ${alert.entityType} ${shown.text(alert.entityId)}`,
    `  says      ${alert.summary}`,
    `  decided   ${timeText(decidedAtMs)} by ${subtopology}-${partition}, ${job.application} ${job.version}`,
    ...(found === undefined ? [] : publishedText(found)),
    `  because   ${causeText(evidence, shown)}`,
    ...(isCut && evidence.cause.kind === 'record'
      ? ['  note      not all of the state that the step has seen could be kept']
      : []),
    '',
    ...stateText(explanation.replay.state, shown),
    ...(chain === undefined ? [] : ['', ...chainText(chain)]),
    '',
    ...outcomeText(report),
  ];
}

function publishedText({ published, place, times }: Omit<FoundEvidence, 'evidence'>): readonly string[] {
  const said = {
    'as decided': 'the alert is in its topic as it was decided',
    altered: 'THE ALERT IN ITS TOPIC IS ANOTHER ONE than was decided',
    gone: 'the alert has left its topic',
  }[published];
  const again = times === 1 ? '' : `; it was decided ${times} times, this is the last`;
  return [`  evidence  ${place.topic}/${place.partition}/${place.offset}; ${said}${again}`];
}

/** Of the time that let a timer fire, which may be that of some inputs alone; of the whole task where no one is. */
function watermarkOf(
  watermarks: Evidence['watermarks'],
  dueMs: number | null,
): Evidence['watermarks'][string] {
  const fired = Object.values(watermarks).find(
    ([before, during]) =>
      dueMs !== null && (before ?? Number.NEGATIVE_INFINITY) < dueMs && during !== null && during >= dueMs,
  );
  return fired ?? watermarks['*'] ?? [null, null];
}

function causeText(evidence: Evidence, shown: Shown): string {
  const { cause, watermarks } = evidence;
  if (cause.kind === 'record') {
    const { topic, partition, offset, timestampMs, key } = cause;
    const text = key === null ? 'without a key' : `of ${shown.text(Buffer.from(key, 'base64').toString())}`;
    return `the record ${topic}/${partition}/${offset} ${text}, taken in ${timeText(timestampMs)}`;
  }
  const [before, during] = watermarkOf(watermarks, cause.kind === 'timer' ? cause.dueMs : null);
  const moved =
    cause.by === 'advance'
      ? `the ${cause.reason === 'idle' ? 'clock moved time, as all was silent,' : 'watermark moved'} from ${timeText(before)} to ${timeText(during)}`
      : cause.by === 'tick'
        ? 'the clock went on'
        : 'a commit was near';
  return cause.kind === 'timer'
    ? `the timer ${cause.name} of ${shown.text(cause.key)} was due ${timeText(cause.dueMs)}; ${moved}`
    : moved;
}

function chainText({ links, missing, isCut }: Chain): readonly string[] {
  const line = ({ topic, partition, offset, event, id }: Link) =>
    `  ${topic}/${partition}/${offset}  ${timeText(event.eventTime)}  ${event.type}  ${id}`;
  return [
    links.length === 0 ? 'what led here has left the log' : 'what led here',
    ...links.map(line),
    ...(missing.length === 0 || links.length === 0 ? [] : [`  ${missing.length} more have left the log`]),
    ...(isCut ? ['  not all of the log was read: the time was up'] : []),
  ];
}

function outcomeText({ explanation, usesCurrent }: Report): readonly string[] {
  const { outcome, differences, isSameTopology } = explanation;
  const how = usesCurrent ? 'with the settings of today' : 'with the settings of then';
  const said = {
    same: `decided again ${how}: the same, byte for byte`,
    different: `decided again ${how}: DIFFERENT`,
    silent: `decided again ${how}: NOTHING is raised`,
    incomplete: `decided again ${how}: not the same, but not all that the step has seen was kept`,
  }[outcome];
  return [
    said,
    ...differences.map(
      ({ field, then, again }) => `  ${field}: then ${JSON.stringify(then)}, again ${JSON.stringify(again)}`,
    ),
    ...(outcome === 'same' || isSameTopology
      ? []
      : ['  the topology of this program is not the one that decided: another version explains it better']),
  ];
}

/** The last line. */
export function summaryOf({ evidence, explanation, found, usesCurrent, seconds }: Report) {
  const { outcome, alert } = explanation;
  return {
    alertId: evidence.id,
    kind: alert.kind,
    outcome,
    decidedWith: usesCurrent ? 'settings of today' : 'settings of then',
    replayedRecords: evidence.cause.kind === 'record' ? 1 : 0,
    stateEntries: evidence.entries.length,
    ...(found === undefined ? {} : { published: found.published }),
    seconds,
  };
}

/** Everything as JSON; bytes of payloads only where nothing is to be masked. */
export function reportJson(report: Report, shown: Shown): unknown {
  const { evidence, explanation, chain, found } = report;
  const { replay, alert, isSameTopology, settings, differences } = explanation;
  return {
    ...summaryOf(report),
    ...{ isSameTopology, settings },
    ...{ alert: shown.value(alert), differences: shown.value(differences) },
    cause: causeJson(evidence.cause, replay.value, shown),
    state: replay.state.map(({ store, key: id, before, after }) => ({
      ...{ store, key: shown.text(id) },
      ...{ before: shown.value(before), after: shown.value(after) },
    })),
    chain: chain && {
      ...chain,
      links: chain.links.map((link) => ({ ...link, event: shown.value(link.event) })),
    },
    place: found?.place,
    ...(shown.isWhole ? { evidence } : {}),
  };
}

function causeJson(cause: Cause, value: unknown, shown: Shown): unknown {
  if (cause.kind === 'part') return cause;
  if (cause.kind === 'timer') return { ...cause, key: shown.text(cause.key) };
  const { kind, topic, partition, offset, timestampMs, key } = cause;
  return {
    ...{ kind, topic, partition, offset, timestampMs },
    key: key === null ? null : shown.text(Buffer.from(key, 'base64').toString()),
    value: shown.value(value),
  };
}
